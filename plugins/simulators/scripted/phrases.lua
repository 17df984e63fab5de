-- The user's own words around what the stages ask. Each pool has a short register (Senior, Expert, Executive) and a full one;
-- $path, $count, $role, $context are filled in where they are known.

local phrases = {}

phrases.open = {
  short = {
    casual = { "Morning. ", "Hey. ", "Quick one to start. ", "Back at it. ", "" },
    formal = { "Good morning. ", "Good day. ", "To begin: ", "First item. ", "" },
    plain = { "", "", "First up: ", "Starting with the easy part. ", "Let's get going. ", "Short list today. ", "Item one. " },
  },
  full = {
    casual = { "Hi there! ", "Hey, hope your day is going well. ", "Hello! ", "Hi, me again with some files. " },
    formal = { "Good morning. ", "Hello, and thank you for your time. ", "Good afternoon. ", "Good morning to you. " },
    plain = { "Hello. ", "Hi. ", "Hello, I could use some support today. ", "Hi, I have a bit of work piled up here. " },
  },
}

-- One sentence of context for the opening turn. $n is the number of separate topics, as a word.
phrases.context = {
  short = {
    "$context ", "$context ", "$n things, one at a time. ", "$n items, I'll take them in order. ", "We'll go through $n topics. ",
    "$n points, I steer. ", "$n jobs, in my order. ", "I have $n of these, bear with the pace. ", "", "", "",
  },
  full = {
    "I work as $role, and there are $n things I would like to get done today. ",
    "For some background: $context I have $n topics and would like to go through them one after the other. ",
    "I'm $role, so please bear with me if I explain too much. There are $n separate matters. ",
    "A word about my situation: $context ",
    "As $role I keep running into this kind of work, $n different pieces of it this time. ",
    "So that you know who is asking: $context I need a hand with $n things, and I'd rather take them step by step. ",
    "$context Today I have $n things for you that don't have much to do with each other. ",
    "$context I'll describe one thing at a time, there are $n in all. ",
    "$n things have been waiting on my list, and this is the first. ",
    "There are $n things on my list and I would like to start with this one. ",
    "$context We have $n things to look at together. ",
    "",
  },
}

phrases.done = {
  short = {
    casual = { "Nice. ", "Cool. ", "Yep. ", "Sweet. ", "Good stuff. ", "Works for me. ", "All good. ", "Looks fine. " },
    formal = { "Understood. ", "Noted, thank you. ", "Acceptable. ", "Very well. ", "That is in order. ", "Agreed. ", "Thank you. " },
    plain = { "Good. ", "Fine. ", "OK. ", "Right. ", "Clear. ", "Good enough. ", "As expected. ", "Makes sense. ", "Noted. ", "That'll do. ", "Checks out. " },
  },
  full = {
    casual = { "Oh nice, that was quick. ", "Awesome, thanks. ", "Cool, I get it now. ", "Yay, that looks right to me. ", "Sweet, thanks a lot. ", "Great, one thing less to worry about. " },
    formal = { "Thank you, that is very clear. ", "Thank you, this corresponds to what I expected. ", "I appreciate the clear summary. ", "That is satisfactory, thank you. ", "Many thanks for the careful explanation. " },
    plain = { "Thanks, that looks right. ", "Okay, I can follow that. ", "Very good, thank you. ", "Thanks for spelling it out. ", "Good to know. ", "That is what I was hoping for. ",
      "Alright, that makes sense to me. ", "Thanks, I have noted that. ", "Perfect, I understand it now. ", "That's a relief. " },
  },
}

-- A call failed on the way and a later one made up for it.
phrases.recovered = {
  short = { "Saw the failed attempt, the retry is fine. ", "Recovered, good. ", "Second try did it. ", "First attempt broke, result is fine. ", "Error on the way, no harm done. ", "OK, you caught that one. " },
  full = {
    "I saw that something failed at first, but you sorted it out, thank you. ", "Good that you noticed the error and did not leave it like that. ",
    "Thanks for telling me about the failed attempt as well. ", "There was an error in between, if I read it correctly, but the result looks right. ",
    "I'm glad that the second attempt worked. ", "Okay, so the first way didn't work, but this one did. ",
  },
}

-- Names a file that the digest says was created.
phrases.created = {
  short = { "$path is there. ", "Got $path. ", "I see $path. ", "$path exists, good. ", "$path came out fine. " },
  full = { "I can see $path now, thank you. ", "$path has appeared, great. ", "So $path exists now, that's good. ", "I found $path where I expected it. ", "Good, $path is in place. " },
}

-- The last call of the turn failed, and the next request answers that.
phrases.trouble = {
  short = { "I see. ", "Right. ", "As I feared. ", "Fair. ", "Okay. " },
  full = { "I see, thank you for checking. ", "Okay, so that's how it is. ", "Hm, I had a feeling. ", "Alright, thank you for being open about it. ", "I see what you mean. " },
}

phrases.topic = {
  short = { "Next topic. ", "Different matter. ", "Now something else. ", "Moving on. ", "Next item. ", "New subject: ", "On to the next. " },
  full = { "Now to something different. ", "That part is settled, so let me come to the next one. ", "There is another matter. ", "Let's leave that and turn to the next thing. ",
    "I have another job that is not related to this. ", "On to the next point on my list. ", "And now for something else that has been waiting. " },
}

phrases.verify = {
  short = {
    "Before I sign off: check everything once more and report what you see.", "Last thing, verify the results, all of them.", "Double-check the lot, please. Facts only.",
    "One final check over all of it, then we're done.", "Recheck what was produced today and give me the outcome.", "Sanity check everything, end to end.",
    "I want a last verification. What do the files say?", "Confirm it all holds, by looking, not from memory.",
  },
  full = {
    "I think that was everything. Could you please look over all the results once more and tell me whether they are right?",
    "Before I pass this on I'd feel better with a second look. Please check each of the results again and tell me what you find.",
    "We're nearly finished. Would you go through everything one last time and make sure that nothing is missing?",
    "That should be all from my side. Please do one final check of what was made today, so that I can be sure.",
    "To be on the safe side, please verify the results again by actually looking at the files, and describe what you see.",
    "As a last step, could you double-check everything? My colleagues will rely on it.",
    "I'd like to close this for today, but first please test the results once more.",
    "Thank you for all of this. One more favour: check all the outcomes again, from the beginning to the end.",
  },
}

phrases.verify_again = {
  short = { "That check failed. Look into it and tell me where we stand.", "Check came back bad. What is wrong exactly?" },
  full = { "That check doesn't seem to have worked. Could you look at what went wrong and check again?", "Something failed during the check, I think. Please find out what it is and tell me." },
}

-- When the stage has nothing of its own to say about a failure.
phrases.numbers = { "one", "two", "three", "four", "five", "six", "seven", "eight" }

return phrases
