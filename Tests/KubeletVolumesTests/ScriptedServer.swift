import API
import APIAuthentication
import APIMachinery
import Client
import Codec
import Synchronization

/// An API server of a few lines: objects by name, watches of one name, tokens, and failures on demand.
final class ScriptedServer: Transport {
    private struct State {
        var revision: Int64 = 10
        var objects: [GroupVersionResource: [ObjectKey: Snapshot]] = [:]
        var streams: [ScriptedWatch] = []
        var failures: [(verb: APIRequest.Verb, resource: String, error: StatusError)] = []
        var requests: [APIRequest] = []
        var tokens: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())
    private let wallClock: any WallClock
    /// Called while a token is asked for.
    let whenTokenAsked: Mutex<(@Sendable () -> Void)?> = Mutex(nil)

    init(wallClock: any WallClock = ManualWallClock()) {
        self.wallClock = wallClock
    }

    var requests: [APIRequest] { state.withLock { $0.requests } }
    var tokenCount: Int { state.withLock { $0.tokens } }

    func count(_ verb: APIRequest.Verb, _ resource: String) -> Int {
        requests.count { $0.verb == verb && $0.resource.resource == resource }
    }

    /// Whether somebody watches the object now.
    func isWatched(_ resource: String, _ name: String) -> Bool {
        state.withLock { $0.streams.contains { $0.resource.resource == resource && $0.name == name && !$0.isEnded } }
    }

    /// The next such request fails.
    func fail(_ verb: APIRequest.Verb, _ resource: String, _ error: StatusError) {
        state.withLock { $0.failures.append((verb, resource, error)) }
    }

    func put(_ object: any APIObject) {
        let resource: GroupVersionResource = type(of: object).resource
        let bytes: [UInt8] = object.jsonBytes
        publish(resource) { state in
            let snapshot = Snapshot(
                namespace: object.metadata.namespace, name: object.metadata.name, revision: state.revision,
                bytes: bytes, slot: bytes.count)
            let old: Snapshot? = state.objects[resource, default: [:]].updateValue(snapshot, forKey: object.key)
            return WatchEvent(old == nil ? .added : .modified, snapshot)
        }
    }

    func remove(_ resource: GroupVersionResource, _ key: ObjectKey) {
        publish(resource) { state in
            state.objects[resource]?.removeValue(forKey: key).map {
                WatchEvent(.deleted, $0.at(revision: state.revision))
            }
        }
    }

    func object<Object: APIObject>(_ type: Object.Type, _ key: ObjectKey) -> Object? {
        state.withLock { $0.objects[Object.resource]?[key] }.flatMap { try? $0.decode(type) }
    }

    private func publish(_ resource: GroupVersionResource, _ change: (inout State) -> WatchEvent?) {
        state.withLock { state in
            state.revision += 1
            guard let event = change(&state) else { return }
            for stream in state.streams where stream.resource == resource && stream.wants(event) { stream.push(event) }
        }
    }

    private func name(_ request: APIRequest) -> String {
        let selector: String = request.query.first { $0.name == "fieldSelector" }?.value ?? ""
        return selector.hasPrefix("metadata.name=") ? String(selector.dropFirst("metadata.name=".count)) : ""
    }

    func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
        let failure: StatusError? = state.withLock { state in
            state.requests.append(request)
            let index = state.failures.firstIndex {
                $0.verb == request.verb && $0.resource == request.resource.resource
            }
            return index.map { state.failures.remove(at: $0).error }
        }
        if let failure { throw failure }
        let key = ObjectKey(request.namespace, request.name)
        let known: Snapshot? = state.withLock { $0.objects[request.resource]?[key] }
        switch request.verb {
        case .list:
            let name: String = name(request)
            let (items, revision): ([Snapshot], Int64) = state.withLock { state in
                let all = (state.objects[request.resource] ?? [:]).values
                return (all.filter { name.isEmpty || $0.name == name }, state.revision)
            }
            return APIResponse(
                code: 200, body: .list(items: items, revision: revision, continueToken: "", remaining: nil))
        case .get:
            guard let known else { throw .notFound(request.resource, request.name) }
            return APIResponse(code: 200, body: .object(known))
        case .create where request.subresource == "token": return try token(request)
        case .create:
            guard var pod = try? JSONReader.decode(Pod.self, from: request.body) else { throw .badRequest("no pod") }
            let key = ObjectKey(request.namespace, pod.metadata.name)
            if state.withLock({ $0.objects[request.resource]?[key] != nil }) {
                throw .alreadyExists(request.resource, key.name)
            }
            pod.metadata.uid = "api-\(state.withLock { $0.revision })"
            put(pod)
            return APIResponse(code: 201, body: .object(Snapshot(pod, revision: 1)))
        case .delete:
            guard known != nil else { throw .notFound(request.resource, request.name) }
            remove(request.resource, key)
            return APIResponse(code: 200, body: .json(Array(#"{"kind":"Status"}"#.utf8)))
        default: throw .badRequest("not scripted")
        }
    }

    /// `token-1-<audience>`, `token-2-<audience>`, … with the life that was asked for.
    private func token(_ request: APIRequest) throws(StatusError) -> APIResponse {
        guard var answer = try? JSONReader.decode(APIAuthentication.TokenRequest.self, from: request.body) else {
            throw .badRequest("no token request")
        }
        let number: Int = state.withLock { state in
            state.tokens += 1
            return state.tokens
        }
        whenTokenAsked.withLock { $0 }?()
        answer.status.token = "token-\(number)-\(answer.spec.audiences.first ?? "api")"
        answer.status.expirationTimestamp = wallClock.now.adding(seconds: answer.spec.expirationSeconds ?? 3600)
        return APIResponse(code: 201, body: .json(answer.jsonBytes))
    }

    func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream {
        let stream = ScriptedWatch(request.resource, namespace: request.namespace, name: name(request))
        let from: Int64 = request.query.first { $0.name == "resourceVersion" }.flatMap { Int64($0.value) } ?? 0
        state.withLock { state in
            state.requests.append(request)
            state.streams.append(stream)
            // What happened between list and watch.
            for snapshot in (state.objects[request.resource] ?? [:]).values where snapshot.revision > from {
                let event = WatchEvent(.modified, snapshot)
                if stream.wants(event) { stream.push(event) }
            }
        }
        return stream
    }
}

final class ScriptedWatch: WatchStream {
    private struct State {
        var events: [WatchEvent] = []
        var isEnded: Bool = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    let resource: GroupVersionResource
    let namespace: String
    let name: String
    private let state: Mutex<State> = Mutex(State())

    init(_ resource: GroupVersionResource, namespace: String, name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }

    var isEnded: Bool { state.withLock { $0.isEnded } }

    func wants(_ event: WatchEvent) -> Bool {
        (namespace.isEmpty || namespace == event.object.namespace) && (name.isEmpty || name == event.object.name)
    }

    private func step(_ body: (inout State) -> Void) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            body(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func push(_ event: WatchEvent) { step { $0.events.append(event) } }

    func next() async throws(StatusError) -> [WatchEvent]? {
        while true {
            let (events, isEnded) = state.withLock { state in
                defer { state.events = [] }
                return (state.events, state.isEnded)
            }
            if !events.isEmpty { return events }
            if isEnded || Task.isCancelled { return nil }
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
        }
    }

    func cancel() { step { $0.isEnded = true } }
}
