extension ClusterZone {
    /// What became of a question.
    package enum Resolution: Sendable, Equatable {
        /// The answer is written.
        case answered(ResponseCode)
        /// Not a name of the cluster.
        case foreign
        /// The name is another name for this one, which is not of the cluster; the records that say so are written, and
        /// repeated here in the order of the way.
        case alias([DNSName])
    }

    /// The version of the specification that answers follow.
    private static let version: [UInt8] = [5] + Array("1.1.0".utf8)
    /// Aliases that are followed.
    private static let aliasLimit: Int = 8

    /// Answers a question into `writer`, which has begun with it.
    /// - Parameter random: where answers with several records begin.
    package func answer(_ query: borrowing Query, random: UInt64, into writer: inout AnswerWriter) -> Resolution {
        let place: Place = place(of: query.name, labels: query.labels)
        switch place {
        case .foreign:
            return .foreign
        case .unknown:
            return finish(.serverFailure, &writer)
        case .missing:
            return fail(.nameError, query, &writer)
        case .records(let index):
            let records: NameRecords = names.value(at: index)
            if let alias = records.alias, query.type != .cname {
                return follow(alias, query, random, &writer)
            }
            return write(records, query, random, &writer)
        case .hollow, .apex, .version, .server, .pod, .reverse:
            return writeOther(place, query, &writer)
        }
    }

    private func finish(_ code: ResponseCode, _ writer: inout AnswerWriter) -> Resolution {
        writer.finish(code, isAuthoritative: code == .noError || code == .nameError)
        return .answered(code)
    }

    /// Tells that there is no such name or record, and for how long that holds (RFC 2308).
    private func fail(
        _ code: ResponseCode, _ query: borrowing Query, _ writer: inout AnswerWriter
    ) -> Resolution {
        // The start of authority is ours, also for the addresses that are.
        let offset: Int =
            Self.isReverse(query)
            ? query.labels[max(0, query.labels.count - 2)] : query.name.count - configuration.domain.wire.count
        let owner: UInt16 = AnswerWriter.questionName + UInt16(max(0, offset))
        writer.authority(.soa, ttl: configuration.ttl, data: authority, owner: owner)
        return finish(code, &writer)
    }

    private static func isReverse(_ query: borrowing Query) -> Bool {
        guard query.name.count >= 6 else { return false }
        return query.name.suffix(6).elementsEqual([4, 97, 114, 112, 97, 0])
    }

    // MARK: - Services

    private func write(
        _ records: NameRecords, _ query: borrowing Query, _ random: UInt64, _ writer: inout AnswerWriter,
        owner: UInt16 = AnswerWriter.questionName
    ) -> Resolution {
        switch query.type {
        case .a where !records.addresses.isEmpty:
            write(records.addresses, NameRecords.addressStride, random, owner, &writer)
        case .aaaa where !records.longAddresses.isEmpty:
            write(records.longAddresses, NameRecords.longAddressStride, random, owner, &writer)
        case .srv where !records.services.isEmpty:
            writeServices(records, random, owner, &writer)
        case .cname where records.alias != nil:
            if let alias = records.alias {
                writer.answer(.cname, ttl: configuration.ttl, data: alias.wire, owner: owner)
            }
        default:
            return fail(.noError, query, &writer)
        }
        return finish(.noError, &writer)
    }

    private func write(
        _ records: [UInt8], _ stride: Int, _ random: UInt64, _ owner: UInt16, _ writer: inout AnswerWriter
    ) {
        let first: Int = Int(truncatingIfNeeded: random % UInt64(records.count / stride))
        writer.answer(records, stride: stride, first: first, owner: owner)
    }

    /// SRV records, and the addresses of where they lead.
    private func writeServices(
        _ records: NameRecords, _ random: UInt64, _ owner: UInt16, _ writer: inout AnswerWriter
    ) {
        let count: Int = records.serviceStarts.count
        let first: Int = Int(truncatingIfNeeded: random % UInt64(count))
        var targets: [(key: Range<Int>, pointer: UInt16)] = []
        for number in 0..<count {
            let index: Int = (first + number) % count
            let start: Int = records.serviceStarts[index]
            let end: Int = index + 1 < count ? records.serviceStarts[index + 1] : records.services.count
            guard let offset = writer.answer(records.services[start..<end], owner: owner) else { break }
            let target: Int = start + NameRecords.targetOffset
            let pointer: Int = offset + NameRecords.targetOffset
            if pointer < 0x4000 { targets.append((target..<end - suffixCount, 0xc000 | UInt16(pointer))) }
        }
        var seen: Set<Int> = []
        for (key, pointer) in targets {
            guard let index = names.find(records.services, in: key), seen.insert(index).inserted else { continue }
            let found: NameRecords = names.value(at: index)
            writer.additional(found.addresses, stride: NameRecords.addressStride, owner: pointer)
            writer.additional(found.longAddresses, stride: NameRecords.longAddressStride, owner: pointer)
        }
    }

    private var suffixCount: Int { configuration.domain.wire.count + 4 }

    /// Writes the way from an `ExternalName` to where it ends: with records of ours, or a name of somebody else's.
    private func follow(
        _ alias: DNSName, _ query: borrowing Query, _ random: UInt64, _ writer: inout AnswerWriter
    ) -> Resolution {
        var owner: UInt16 = AnswerWriter.questionName
        var chain: [DNSName] = []
        var next: DNSName? = alias
        while let target = next {
            next = nil
            chain.append(target)
            guard chain.count <= Self.aliasLimit else {
                writer.begin(query, limit: AnswerWriter.limit(query, isStream: false))
                return finish(.serverFailure, &writer)
            }
            guard let data = writer.answer(.cname, ttl: configuration.ttl, data: target.wire, owner: owner) else {
                break
            }
            guard data < 0x4000 else { break }
            owner = 0xc000 | UInt16(data)
            let lower: [UInt8] = target.lowercased.wire
            switch place(of: lower, labels: Self.labelStarts(lower)) {
            case .foreign:
                return .alias(chain)
            case .records(let index):
                let records: NameRecords = names.value(at: index)
                if let alias = records.alias {
                    next = alias
                } else {
                    append(records, query.type, random, owner, &writer)
                }
            case .pod(let address) where address.isIPv6 == (query.type == .aaaa):
                writer.answer(query.type, ttl: configuration.ttl, data: address.bytes, owner: owner)
            case .missing:
                return finish(.nameError, &writer)
            case .unknown, .hollow, .apex, .version, .server, .pod, .reverse:
                break
            }
        }
        return finish(.noError, &writer)
    }

    private func append(
        _ records: NameRecords, _ type: RecordType, _ random: UInt64, _ owner: UInt16, _ writer: inout AnswerWriter
    ) {
        if type == .a, !records.addresses.isEmpty {
            write(records.addresses, NameRecords.addressStride, random, owner, &writer)
        } else if type == .aaaa, !records.longAddresses.isEmpty {
            write(records.longAddresses, NameRecords.longAddressStride, random, owner, &writer)
        } else if type == .srv, !records.services.isEmpty {
            writeServices(records, random, owner, &writer)
        }
    }

    static func labelStarts(_ wire: [UInt8]) -> [Int] {
        var starts: [Int] = []
        var position: Int = 0
        while wire[position] != 0 {
            starts.append(position)
            position += 1 + Int(wire[position])
        }
        return starts
    }

    // MARK: - Everything else

    private func writeOther(_ place: Place, _ query: borrowing Query, _ writer: inout AnswerWriter) -> Resolution {
        let ttl: UInt32 = configuration.ttl
        switch (place, query.type) {
        case (.apex, .soa):
            writer.answer(.soa, ttl: ttl, data: authority)
        case (.apex, .ns):
            guard let name = writer.answer(.ns, ttl: ttl, data: configuration.serverName), name < 0x4000 else { break }
            var glue = NameRecords()
            for address in configuration.serverAddresses { glue.add(address, ttl: ttl) }
            writer.additional(glue.addresses, stride: NameRecords.addressStride, owner: 0xc000 | UInt16(name))
            writer.additional(glue.longAddresses, stride: NameRecords.longAddressStride, owner: 0xc000 | UInt16(name))
        case (.version, .txt):
            writer.answer(.txt, ttl: ttl, data: Self.version)
        case (.server, .a), (.server, .aaaa):
            let wanted: [InternetAddress] = configuration.serverAddresses.filter { $0.isIPv6 == (query.type == .aaaa) }
            if wanted.isEmpty { return fail(.noError, query, &writer) }
            for address in wanted { writer.answer(query.type, ttl: ttl, data: address.bytes) }
        case (.pod(let address), .a) where !address.isIPv6, (.pod(let address), .aaaa) where address.isIPv6:
            writer.answer(query.type, ttl: ttl, data: address.bytes)
        case (.reverse(let address), .ptr):
            for name in reverse[address] ?? [] { writer.answer(.ptr, ttl: ttl, data: name.wire) }
        default:
            return fail(.noError, query, &writer)
        }
        return finish(.noError, &writer)
    }
}
