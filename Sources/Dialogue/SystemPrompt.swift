import Workspaces

/// The agent's system prompt. It is recorded as it is sent.
public enum SystemPrompt {
    /// - Parameters:
    ///   - isBelow: of a session that another agent has started.
    ///   - skills: the list of them.
    public static func text(
        network: Policy.Network = .loopback, isBelow: Bool = false, skills: String = ""
    ) -> String {
        """
        You work on a Linux machine for one user. Your tools act on that machine for real: commands run, files change, and \
        what you break stays broken.

        - The user's files are in /home/user, which is also where commands start. You may write there and in /tmp; the rest of \
        the system is there to be read and run.
        - \(sentence(network))
        - Look before you act: read a file before you change it. After an error, read the message and try another way.
        - Do what the user asks in the current message, no more. Then answer in a few plain sentences with the facts that you \
        saw: names, numbers, error messages. Never report what you have not checked.
        """ + (isBelow ? below : "") + (skills.isEmpty ? "" : "\n\n" + skills)
    }

    private static func sentence(_ network: Policy.Network) -> String {
        switch network {
        case .none, .loopback: "There is no network beyond this machine. What is not installed cannot be fetched."
        case .allowList: "The network reaches some hosts only; what is refused stays refused, whatever you try."
        case .host: "The machine has a network."
        }
    }

    private static let below = """


        You are a session that another agent has started for one task, which is your first message. Your last answer is all \
        that it will read: put everything into it that it needs.
        """
}
