extension Needle {
    /// Tokens of well-known services, and private keys.
    static let tokens: [Needle] = [
        token("api-key", "sk-", atLeast: 20, extra: "-_"),
        token("stripe-key", "sk_live_", atLeast: 16),
        token("stripe-key", "rk_live_", atLeast: 16),
        token("aws-key-id", "AKIA", atLeast: 16),
        token("aws-key-id", "ASIA", atLeast: 16),
        token("github-token", "ghp_", atLeast: 36),
        token("github-token", "gho_", atLeast: 36),
        token("github-token", "ghu_", atLeast: 36),
        token("github-token", "ghs_", atLeast: 36),
        token("github-token", "ghr_", atLeast: 36),
        token("github-token", "github_pat_", atLeast: 22, extra: "_"),
        token("gitlab-token", "glpat-", atLeast: 20, extra: "-_"),
        token("google-key", "AIza", atLeast: 35, extra: "-_"),
        token("huggingface-token", "hf_", atLeast: 30),
        token("npm-token", "npm_", atLeast: 36),
        token("pypi-token", "pypi-", atLeast: 50, extra: "-_"),
        token("slack-token", "xoxa-", atLeast: 16, extra: "-"),
        token("slack-token", "xoxb-", atLeast: 16, extra: "-"),
        token("slack-token", "xoxp-", atLeast: 16, extra: "-"),
        token("slack-token", "xoxr-", atLeast: 16, extra: "-"),
        token("slack-token", "xoxs-", atLeast: 16, extra: "-"),
        token("bearer-token", "Bearer ", atLeast: 20, extra: "-._~+/="),
        token("bearer-token", "bearer ", atLeast: 20, extra: "-._~+/="),
        Needle(label: "jwt", start: Array("eyJ".utf8), rest: .webToken),
        Needle(label: "private-key", start: Array("-----BEGIN ".utf8), rest: .privateKey),
    ]

    private static func token(_ label: String, _ start: String, atLeast minimum: Int, extra: String = "") -> Needle {
        Needle(label: label, start: Array(start.utf8), rest: .token(minimum: minimum, extra: Array(extra.utf8)))
    }
}
