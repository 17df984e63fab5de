local t = require("@test")

local PNG = "\137PNG\r\n\26\n" .. ("\0"):rep(20)

t.describe("image", function()
  local function room() return t.workspace({ files = { ["a.png"] = PNG, ["b.jpg"] = "\255\216\255xxx", ["c.txt"] = "text" } }) end

  t.it("shows the model the images and gives its answer", function()
    local chat = { "March." }
    local result = t.run({ image = "a.png", images = { "~/b.jpg" }, prompt = "Which month?" }, { ws = room(), chat = chat })
    t.equal(result.text, "March.")
    local content = chat.asked[1].messages[1].content
    t.equal(content[1].text, "Which month?")
    t.matches(content[2].image_url.url, "^data:image/png;base64,iVBORw0KGgo")
    t.matches(content[3].image_url.url, "^data:image/jpeg;base64,/9j/")
  end)

  t.it("says when there is no model, or no answer", function()
    t.fails_with("no_model", t.run({ image = "a.png" }, { ws = room(), chat = { { error = "E_UNAVAILABLE", message = "none" } } }))
    t.fails_with("failed", t.run({ image = "a.png" }, { ws = room(), chat = { { error = "E_MODEL", message = "status 500" } } }))
    t.fails_with("failed", t.run({ image = "a.png" }, { ws = room(), chat = { " " } }))
  end)

  t.it("refuses what it cannot look at", function()
    t.fails_with("invalid_args", t.run({}, { ws = room() }))
    t.fails_with("not_found", t.run({ image = "nowhere.png" }, { ws = room() }))
    t.fails_with("unsupported_content", t.run({ image = "c.txt" }, { ws = room() }))
    t.fails_with("unsupported", t.run({ image = "https://x.example/a.png" }, { ws = room() }))
    t.fails_with("unsupported", t.run({ image = "a.png", model = "gpt" }, { ws = room() }))
    t.fails_with("too_big", t.run({ image = "a.png", maxBytesMb = 0.00001 }, { ws = room() }))
    t.fails_with("invalid_args", t.run({ images = { "a.png", "b.jpg" }, maxImages = 1 }, { ws = room() }))
  end)
end)
