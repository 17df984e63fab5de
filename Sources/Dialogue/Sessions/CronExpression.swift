/// The five fields of crontab(5): minute, hour, day of the month, month, day of the week; with lists, ranges, steps and names.
/// As there, when both days are restricted either may match.
struct CronExpression: Sendable, Hashable {
    let text: String
    private let minutes: Set<Int>
    private let hours: Set<Int>
    private let days: Set<Int>
    private let months: Set<Int>
    private let weekdays: Set<Int>
    private let daysMatter: Bool
    private let weekdaysMatter: Bool

    struct Malformed: Error { var reason: String }

    init(_ text: String) throws(Malformed) {
        self.text = text
        let fields = Self.nicknames[text.lowercased()] ?? text
        let parts = fields.split(whereSeparator: \.isWhitespace).map(String.init)
        guard parts.count == 5 else {
            throw Malformed(
                reason:
                    "\"\(text)\" has \(parts.count) fields, not five: minute hour day month weekday, as in \"0 9 * * 1-5\""
            )
        }
        minutes = try Self.values(parts[0], 0...59, "minute")
        hours = try Self.values(parts[1], 0...23, "hour")
        days = try Self.values(parts[2], 1...31, "day of the month")
        months = try Self.values(parts[3], 1...12, "month", Self.monthNames)
        weekdays = Set(try Self.values(parts[4], 0...7, "weekday", Self.weekdayNames).map { $0 % 7 })
        daysMatter = !parts[2].hasPrefix("*")
        weekdaysMatter = !parts[4].hasPrefix("*")
    }

    /// The next moment after `time` that matches, in whole minutes of local time; both in seconds since 1970.
    /// - Parameter offset: of local time from UTC, in seconds.
    /// - Returns: nil when there is none within eight years (the 30th of February).
    func next(after time: Double, offset: Int) -> Double? {
        let local = Int(time.rounded(.down)) + offset
        let start = Self.floorDivide(local, 60) + 1  // minutes since 1970
        let firstDay = Self.floorDivide(start, 1440)
        for day in firstDay..<(firstDay + 8 * 366) where matches(day) {
            let from = day == firstDay ? start - day * 1440 : 0
            for minute in from..<1440 where hours.contains(minute / 60) && minutes.contains(minute % 60) {
                return Double((day * 1440 + minute) * 60 - offset)
            }
        }
        return nil
    }

    private func matches(_ day: Int) -> Bool {
        let (month, dayOfMonth) = Self.civil(day)
        guard months.contains(month) else { return false }
        let isDay = days.contains(dayOfMonth)
        let isWeekday = weekdays.contains(((day + 4) % 7 + 7) % 7)  // 1970-01-01 was a Thursday
        return daysMatter && weekdaysMatter ? isDay || isWeekday : isDay && isWeekday
    }

    // MARK: Reading

    private static func values(
        _ field: String, _ range: ClosedRange<Int>, _ name: String, _ names: [String] = []
    ) throws(Malformed) -> Set<Int> {
        var values: Set<Int> = []
        for item in field.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let step = parts.count == 2 ? Int(parts[1]) : 1, step > 0 else {
                throw Malformed(reason: "\"\(item)\" is no \(name): the step must be a number above 0")
            }
            var span = range
            if parts[0] != "*" {
                let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { end in
                    Int(end) ?? names.firstIndex(of: end.lowercased()).map { $0 + range.lowerBound }
                }
                guard ends.count <= 2, let low = ends[0], let high = ends.count == 2 ? ends[1] : low, low <= high,
                    range.contains(low), range.contains(high)
                else {
                    throw Malformed(
                        reason:
                            "\"\(item)\" is no \(name): it is *, a number from \(range.lowerBound) to \(range.upperBound), "
                            + "or a range of them")
                }
                span = low...(ends.count == 1 && parts.count == 2 ? range.upperBound : high)
            }
            values.formUnion(stride(from: span.lowerBound, through: span.upperBound, by: step))
        }
        return values
    }

    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    private static let nicknames = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    // MARK: Days

    private static func floorDivide(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((b - 1 - a) / b) }

    /// Month and day of the month of a day since 1970-01-01, after Howard Hinnant's `civil_from_days`.
    private static func civil(_ day: Int) -> (month: Int, day: Int) {
        let z = day + 719_468
        let dayOfEra = z - floorDivide(z, 146_097) * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        return (shifted < 10 ? shifted + 3 : shifted - 9, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}
