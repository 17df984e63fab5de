local function run()
  local found = sessions.agents()
  local lines = {}
  for i, agent in ipairs(found.agents) do lines[i] = ("%s: %s"):format(agent.id, agent.description) end
  return { text = table.concat(lines, "\n"), details = { agents = found.agents } }
end

return { run = run }
