/// A date of the proleptic Gregorian calendar in UTC, for writing and reading RFC 3339.
///
/// Days are counted in eras of 400 years (146,097 days) that begin on 1 March, so that leap days come last.
struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date that is `days` after 1 January 1970.
    init(daysSince1970 days: Int) {
        let shifted: Int = days + 719_468
        let era: Int = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra: Int = shifted - era * 146_097
        let yearOfEra: Int = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear: Int = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth: Int = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int {
        let marchYear: Int = month <= 2 ? year - 1 : year
        let era: Int = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra: Int = marchYear - era * 400
        let marchMonth: Int = month > 2 ? month - 3 : month + 9
        let dayOfYear: Int = (153 * marchMonth + 2) / 5 + day - 1
        let dayOfEra: Int = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Whether month and day exist in the year.
    var isValid: Bool {
        guard (1...12).contains(month), day >= 1 else { return false }
        let leap: Bool = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
        let lengths: [Int] = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return day <= lengths[month - 1]
    }
}
