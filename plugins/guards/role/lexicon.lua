-- What an assistant says and a user does not. `phrases` are plain text, matched as whole words in lower case with
-- straight quotes; `patterns` are Lua patterns over the same text.

local lexicon = {}

lexicon.phrases = {
  -- offering help
  "i can help you with", "i can assist you", "i'd be happy to", "i would be happy to", "i'm happy to help", "happy to assist",
  "i'd be glad to", "i'm here to help", "i am here to help", "let me help you", "how can i help", "how can i assist",
  "how may i help", "how may i assist", "what can i do for you",
  -- taking up work
  "sure, let me", "sure! let me", "sure, i'll", "sure, i can", "certainly! i", "certainly, i", "of course! i", "absolutely! i",
  "let me start by", "let me go ahead", "i'll go ahead and", "i will go ahead and", "i went ahead and", "i've gone ahead and",
  "i will now ", "i'll now ", "here's what i did", "here is what i did", "i have successfully", "i've successfully",
  -- offering more
  "would you like me to", "do you want me to", "shall i proceed", "should i proceed", "is there anything else i can",
  "anything else you'd like me", "anything else i can help", "let me know if you have any questions",
  "let me know if you'd like me to", "let me know if you need any further", "feel free to ask", "feel free to reach out",
  "hope this helps", "i hope that helps",
  -- naming itself
  "as an ai", "as a language model", "as your assistant", "as an assistant", "i am an ai", "i'm an ai",
  "i don't have access to your", "i cannot access your", "please provide me with", "i apologize for the confusion", "great question",
}

-- Asking the agent for what the user is supposed to know, and promising results to it.
local inputs = { "path", "director", "location", "file name", "filename", "format", "credential", "metric", "requirement",
  "threshold", "preference", "version", "input", "parameter", "deadline", "audience", "details" }

lexicon.asks = { "could you specify", "can you specify", "please specify", "could you provide", "can you provide", "please provide",
  "could you share", "can you share", "please share", "could you clarify", "can you clarify", "please clarify" }
lexicon.inputs = inputs

lexicon.patterns = {
  { "what %a+ would you like", "asks the agent what it would like" },
  { "which %a+ would you like", "asks the agent what it would like" },
  { "what %a+ do you prefer", "asks the agent for a preference" },
  { "which %a+ do you prefer", "asks the agent for a preference" },
  { "confirm the required", "asks the agent for the requirements" },
  { "your deployment standards", "speaks as if the agent were the customer" },
  { "this will ensure .-your ", "promises the agent a result" },
  { "this will help me .-your ", "promises the agent a result" },
  { "i'll [%l]+ [^%.%?!]-for you", "offers to do the work" }, { "i will [%l]+ [^%.%?!]-for you", "offers to do the work" },
  { "i have created the", "claims to have done the work" }, { "i've created the", "claims to have done the work" },
  { "i have updated the", "claims to have done the work" }, { "i've updated the", "claims to have done the work" },
  { "i can also [%l]+ [%l]+ for you", "offers a service" }, { "i can [%l]+ that for you", "offers a service" },
}

return lexicon
