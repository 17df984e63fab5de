local kit = require("@tool_kit")

local function run(args)
  local found = sessions.list()
  local lines, shown = {}, json.array({})
  for _, s in ipairs(found.sessions) do
    local wanted = not args.kinds or #args.kinds == 0
    for _, kind in ipairs(args.kinds or {}) do wanted = wanted or kind == s.kind end
    if args.activeMinutes and clock.now() - s.updated > args.activeMinutes * 60 then wanted = false end
    if wanted and #shown < args.limit then
      shown[#shown + 1] = s
      lines[#lines + 1] = ("%s%s%s: %s, %s: %s"):format(s.session, s.session == found.own and " (you)" or "", s.label and (" %q"):format(s.label) or "",
        s.kind, s.outcome or s.status, kit.head(kit.squeeze(s.task), 160))
      if args.messageLimit > 0 then
        for _, message in ipairs(sessions.history({ session = s.session, limit = args.messageLimit }).messages) do
          if type(message.content) == "string" then
            lines[#lines + 1] = ("    %s: %s"):format(message.role, kit.head(kit.squeeze(message.content), 300))
          end
        end
      end
    end
  end
  return { text = #lines > 0 and table.concat(lines, "\n") or "No such sessions.", details = { sessions = shown } }
end

return { run = run }
