local t = require("@test")

-- A WAV header of 16-bit mono at 22050 Hz, and half a second of silence.
local function wav()
  local data = ("\0"):rep(22050)
  return "RIFF" .. ("<I4"):pack(36 + #data) .. "WAVEfmt " .. ("<I4I2I2I4I4I2I2"):pack(16, 1, 1, 22050, 44100, 2, 16) .. "data" .. ("<I4"):pack(#data) .. data
end

t.describe("tts", function()
  t.it("writes an audio file and says how long it is", function()
    local ws = t.workspace({ exec = function(request) return { files = { [request.argv[3]] = wav() } } end })
    local result = t.run({ text = "Done." }, { ws = ws, host = { ["ws.exec"] = function(argv)
      ws:write(argv[3], wav())
      return { code = 0, stdout = "", stderr = "" }
    end } })
    t.equal(result.text, "Audio in audio/speech-1.wav (22094 bytes, 0.5 s).")
    t.equal(result.details.seconds, 0.5)
  end)

  t.it("gives an hour of audio, too, without its length", function()
    local looks = 0
    local host = { ["ws.exec"] = { code = 0, stdout = "", stderr = "" }, ["ws.stat"] = function()
      looks = looks + 1
      return looks > 1 and { kind = "file", size = 159 << 20, mode = 420 } or nil
    end }
    t.equal(t.run({ text = "Long." }, { ws = t.workspace(), host = host }).text, "Audio in audio/speech-1.wav (166723584 bytes).")
  end)

  t.it("says that there is no voice", function()
    local result = t.run({ text = "Done." }, { ws = t.workspace(), host = { ["ws.exec"] = { error = "E_COMMAND_NOT_FOUND", message = "espeak-ng: command not found" } } })
    t.fails_with("missing_program", result)
    t.contains(result.text, "espeak-ng")
  end)

  t.it("takes no silence for audio", function()
    t.fails_with("failed", t.run({ text = "Done." }, { ws = t.workspace(), host = { ["ws.exec"] = { code = 1, stdout = "", stderr = "no voice" } } }))
  end)
end)
