/// Draws without favourites: the cards are dealt in random order, and only when all have been dealt are they shuffled anew.
/// After any number of draws no card is ahead of another of its kind by more than one, so small samples are balanced too.
struct Deck<Card: Sendable & Hashable>: Sendable {
    private let cards: [Card]
    private var dealt: [Card] = []  // the rest of the current shuffle; the last one comes next
    private var random: SeededRandom

    /// - Parameter cards: must not be empty. A card that stands twice is twice as likely.
    init(_ cards: [Card], random: SeededRandom) {
        precondition(!cards.isEmpty, "a deck needs cards")
        self.cards = cards
        self.random = random
    }

    mutating func draw() -> Card {
        refillIfEmpty()
        return dealt.removeLast()
    }

    /// Draws the next card that is not in `hand`; those passed over keep their turn. Nil when all cards are in `hand`.
    mutating func draw(notIn hand: [Card]) -> Card? {
        guard cards.contains(where: { !hand.contains($0) }) else { return nil }
        if let place = dealt.lastIndex(where: { !hand.contains($0) }) { return dealt.remove(at: place) }
        // All that is left of this shuffle is in the hand: these cards stay next in turn, above a new shuffle.
        let waiting = dealt
        dealt = []
        refillIfEmpty()
        dealt += waiting
        guard let place = dealt.lastIndex(where: { !hand.contains($0) }) else { return nil }
        return dealt.remove(at: place)
    }

    private mutating func refillIfEmpty() {
        guard dealt.isEmpty else { return }
        dealt = cards
        random.shuffle(&dealt)
    }
}
