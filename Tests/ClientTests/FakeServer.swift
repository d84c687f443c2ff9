import APIMachinery
import Client
import Codec
import Synchronization

/// An API server of a few lines: objects, revisions, watches, and failures on demand. Watches can be held back, which makes
/// every cache stale.
final class FakeServer: Transport {
    private struct State {
        var revision: Int64 = 10
        var objects: [GroupVersionResource: [ObjectKey: Snapshot]] = [:]
        var log: [(resource: GroupVersionResource, event: WatchEvent)] = []
        var streams: [FakeWatch] = []
        var failures: [(verb: APIRequest.Verb, error: StatusError)] = []
        var requests: [APIRequest] = []
        var isHeld: Bool = false
        var compacted: Int64 = 0
        /// Makes names and UIDs unique, also of concurrent creates.
        var created: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())

    // MARK: - What tests do

    var requests: [APIRequest] { state.withLock { $0.requests } }
    var revision: Int64 { state.withLock { $0.revision } }

    func count(_ verb: APIRequest.Verb, _ resource: String = "") -> Int {
        requests.count { $0.verb == verb && (resource.isEmpty || $0.resource.resource == resource) }
    }

    func objects<Object: APIObject>(_ type: Object.Type) -> [Object] {
        let all: [Snapshot] = state.withLock { Array(($0.objects[Object.resource] ?? [:]).values) }
        return all.sorted { ObjectKey($0) < ObjectKey($1) }.compactMap { try? $0.decode(type) }
    }

    /// The next request with this verb fails.
    func fail(_ verb: APIRequest.Verb, _ error: StatusError) {
        state.withLock { $0.failures.append((verb, error)) }
    }

    /// Watches deliver nothing until `release`.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let streams: [FakeWatch] = state.withLock { state in
            state.isHeld = false
            return state.streams
        }
        for stream in streams { deliver(stream) }
    }

    /// Ends all watches; with an error, or as by time-out.
    func endWatches(_ error: StatusError? = nil) {
        let streams: [FakeWatch] = state.withLock { state in
            defer { state.streams = [] }
            return state.streams
        }
        for stream in streams { stream.end(error) }
    }

    /// Forgets history up to now.
    func compact() { state.withLock { $0.compacted = $0.revision } }

    @discardableResult
    func put(_ object: any APIObject) -> Int64 {
        let resource: GroupVersionResource = type(of: object).resource
        let bytes: [UInt8] = object.jsonBytes
        let revision: Int64 = state.withLock { state in
            state.revision += 1
            let snapshot = Snapshot(
                namespace: object.metadata.namespace, name: object.metadata.name, revision: state.revision,
                bytes: bytes, slot: bytes.count)
            let old: Snapshot? = state.objects[resource, default: [:]].updateValue(snapshot, forKey: object.key)
            state.log.append((resource, WatchEvent(old == nil ? .added : .modified, snapshot)))
            return state.revision
        }
        notify()
        return revision
    }

    func remove(_ object: any APIObject) {
        let resource: GroupVersionResource = type(of: object).resource
        state.withLock { state in
            guard let old = state.objects[resource]?.removeValue(forKey: object.key) else { return }
            state.revision += 1
            state.log.append((resource, WatchEvent(.deleted, old.at(revision: state.revision))))
        }
        notify()
    }

    private func notify() {
        let streams: [FakeWatch] = state.withLock { $0.isHeld ? [] : $0.streams }
        for stream in streams { deliver(stream) }
    }

    private func deliver(_ stream: FakeWatch) {
        state.withLock { state in
            let news: [WatchEvent] = state.log.filter {
                $0.resource == stream.resource && $0.event.object.revision > stream.position
            }.map(\.event)
            stream.push(news)
        }
    }

    // MARK: - Transport

    func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
        let failure: StatusError? = state.withLock { state in
            state.requests.append(request)
            guard let index = state.failures.firstIndex(where: { $0.verb == request.verb }) else { return nil }
            return state.failures.remove(at: index).error
        }
        if let failure { throw failure }
        let key = ObjectKey(request.namespace, request.name)
        let known: Snapshot? = state.withLock { $0.objects[request.resource]?[key] }
        switch request.verb {
        case .list:
            let (items, revision): ([Snapshot], Int64) = state.withLock { state in
                (Array((state.objects[request.resource] ?? [:]).values), state.revision)
            }
            return APIResponse(
                code: 200, body: .list(items: items, revision: revision, continueToken: "", remaining: nil))
        case .get:
            guard let known else { throw .notFound(request.resource, request.name) }
            return APIResponse(code: 200, body: .object(known))
        case .create where !request.subresource.isEmpty:
            return APIResponse(code: 201, body: .json(Array(#"{"kind":"Status"}"#.utf8)))
        case .create: return APIResponse(code: 201, body: .object(try create(request)))
        case .update: return APIResponse(code: 200, body: .object(try update(request, known)))
        case .patch:
            guard let known else { throw .notFound(request.resource, request.name) }
            var value: JSONValue = Self.value(known.bytes)
            for (name, member) in Self.value(request.body).object ?? JSONObject() { value[name] = member }
            return APIResponse(code: 200, body: .object(store(request.resource, key, value)))
        case .delete:
            guard let known else { throw .notFound(request.resource, request.name) }
            state.withLock { state in
                state.objects[request.resource]?[key] = nil
                state.revision += 1
                state.log.append((request.resource, WatchEvent(.deleted, known.at(revision: state.revision))))
            }
            notify()
            return APIResponse(code: 200, body: .json(Array(#"{"kind":"Status"}"#.utf8)))
        case .watch, .deletecollection: throw .badRequest("not supported by the fake")
        }
    }

    private func create(_ request: APIRequest) throws(StatusError) -> Snapshot {
        var value: JSONValue = Self.value(request.body)
        var metadata: JSONValue = value["metadata"] ?? .emptyObject
        let next: Int = state.withLock { state in
            state.created += 1
            return state.created
        }
        metadata["uid"] = .string("uid-\(next)")
        if let base = metadata["generateName"]?.string, metadata["name"] == nil {
            metadata["name"] = .string("\(base)\(next)")
        }
        value["metadata"] = metadata
        let key = ObjectKey(request.namespace, metadata["name"]?.string ?? "")
        let isThere: Bool = state.withLock { $0.objects[request.resource]?[key] != nil }
        if isThere { throw .alreadyExists(request.resource, key.name) }
        return store(request.resource, key, value)
    }

    private func update(_ request: APIRequest, _ known: Snapshot?) throws(StatusError) -> Snapshot {
        guard let known else { throw .notFound(request.resource, request.name) }
        let value: JSONValue = Self.value(request.body)
        let sent: String? = value["metadata"]?["resourceVersion"]?.string
        if let sent, Int64(sent) != known.revision { throw .conflict(request.resource, request.name) }
        return store(request.resource, ObjectKey(known), value)
    }

    private func store(_ resource: GroupVersionResource, _ key: ObjectKey, _ value: JSONValue) -> Snapshot {
        var value: JSONValue = value
        var metadata: JSONValue = value["metadata"] ?? .emptyObject
        metadata["resourceVersion"] = nil
        value["metadata"] = metadata
        let bytes: [UInt8] = value.jsonBytes
        let snapshot: Snapshot = state.withLock { state in
            state.revision += 1
            let snapshot = Snapshot(
                namespace: key.namespace, name: key.name, revision: state.revision, bytes: bytes, slot: bytes.count)
            let old: Snapshot? = state.objects[resource, default: [:]].updateValue(snapshot, forKey: key)
            state.log.append((resource, WatchEvent(old == nil ? .added : .modified, snapshot)))
            return snapshot
        }
        notify()
        return snapshot
    }

    private static func value(_ bytes: [UInt8]) -> JSONValue {
        (try? JSONReader.decode(JSONValue.self, from: bytes)) ?? .null
    }

    func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream {
        let revision: Int64 = request.query.first { $0.name == "resourceVersion" }.flatMap { Int64($0.value) } ?? 0
        let result: Result<FakeWatch, StatusError> = state.withLock { state in
            state.requests.append(request)
            if let index = state.failures.firstIndex(where: { $0.verb == .watch }) {
                return .failure(state.failures.remove(at: index).error)
            }
            guard revision >= state.compacted else {
                return .failure(.tooOldResourceVersion(revision, oldest: state.compacted))
            }
            let stream = FakeWatch(request.resource, from: revision)
            state.streams.append(stream)
            return .success(stream)
        }
        let stream: FakeWatch = try result.get()
        notify()
        return stream
    }
}

final class FakeWatch: WatchStream {
    private struct State {
        var events: [WatchEvent] = []
        var position: Int64
        var isEnded: Bool = false
        var error: StatusError?
        var waiter: CheckedContinuation<Void, Never>?
    }

    let resource: GroupVersionResource
    private let state: Mutex<State>

    init(_ resource: GroupVersionResource, from revision: Int64) {
        self.resource = resource
        state = Mutex(State(position: revision))
    }

    var position: Int64 { state.withLock { $0.position } }

    private func step(_ body: (inout State) -> Void) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            body(&state)
            guard !state.events.isEmpty || state.isEnded else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func push(_ events: [WatchEvent]) {
        step { state in
            state.events += events
            state.position = events.last?.object.revision ?? state.position
        }
    }

    func end(_ error: StatusError?) {
        step { state in
            state.isEnded = true
            state.error = error
        }
    }

    func next() async throws(StatusError) -> [WatchEvent]? {
        while true {
            let (events, isEnded, error) = state.withLock { state in
                defer { state.events = [] }
                return (state.events, state.isEnded, state.error)
            }
            if !events.isEmpty { return events }
            if isEnded {
                if let error { throw error }
                return nil
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
                    let isReady: Bool = state.withLock { state in
                        if !state.events.isEmpty || state.isEnded || Task.isCancelled { return true }
                        state.waiter = waiter
                        return false
                    }
                    if isReady { waiter.resume() }
                }
            } onCancel: {
                cancel()
            }
            if Task.isCancelled { return nil }
        }
    }

    func cancel() { end(nil) }
}

/// Returns when `condition` holds; gives up after four minutes, so that a broken test fails instead of hanging.
func eventually(_ condition: () -> Bool) async -> Bool {
    let deadline: ContinuousClock.Instant = .now + .seconds(240)
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        // tidy:allow sleep: a bounded wait; only yielding would keep the threads that others need
        try? await Task.sleep(for: .milliseconds(1))
    }
    return true
}

/// Runs `background` while `body` does, then cancels it and waits for its end.
func with<Result: Sendable>(
    _ background: @escaping @Sendable () async -> Void, _ body: @Sendable () async throws -> Result
) async rethrows -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await background() }
        defer { group.cancelAll() }
        return try await body()
    }
}
