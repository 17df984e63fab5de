-- The pool: one file for each group of industries. `about` is the persona's own sentence; it serves `compose` and is not part
-- of the persona as others see it.

local compose = require("compose")

local groups = { "care", "finance", "industry", "commerce", "public", "technology", "land", "culture" }

local personas, about = {}, {}
for _, group in ipairs(groups) do
  for _, person in ipairs(require("people." .. group)) do
    about[person.id] = person.about
    local shown = {}
    for key, value in pairs(person) do
      if key ~= "about" then shown[key] = value end
    end
    personas[#personas + 1] = shown
  end
end

return {
  personas = personas,
  compose = function(persona, requests) return compose.text(persona, requests, about[persona.id]) end,
}
