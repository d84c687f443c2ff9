import APICore
import APIMachinery
import CRI
import HTTPServer
import Streams

extension KubeletHandler {
    func sendLogs(
        _ target: KubeletRoute.Target, _ query: QueryString, _ responder: HTTPResponder
    ) async throws(KubeletFailure) {
        let asked: LogQuery = try Self.logQuery(query)
        guard let pod = configuration.directory.pod(namespace: target.namespace, name: target.pod) else {
            throw KubeletFailure(404, "pod \"\(target.pod)\" does not exist\n")
        }
        guard LogTarget.has(pod, container: target.container) else {
            throw KubeletFailure(404, "container \"\(target.container)\" not found in pod \"\(target.pod)\"\n")
        }
        let id: String
        do throws(LogTarget.Refusal) {
            id = try LogTarget.containerID(pod: pod, container: target.container, previous: asked.previous)
        } catch {
            throw KubeletFailure(400, error.text)
        }
        guard let status = try await containers.status(id), !status.logPath.isEmpty else {
            throw KubeletFailure(400, "unable to retrieve container logs for \(id)")
        }
        let finder: ContainerFinder = containers
        let streamer = LogStreamer(
            path: status.logPath, follow: asked.follow, tailLines: asked.tailLines, changes: configuration.changes
        ) {
            // A runtime that does not answer is asked again; a container that it has forgotten has ended.
            do throws(KubeletFailure) {
                guard let now = try await finder.status(id) else { return false }
                return now.state == .containerRunning || now.state == .containerCreated
            } catch {
                return true
            }
        }
        let formatter = LogFormatter(
            timestamps: asked.timestamps, since: Self.since(asked), limitBytes: asked.limitBytes)
        let isThere: Bool = await streamer.run(formatter) {
            responder.stream(status: 200, fields: ["content-type": "text/plain; charset=utf-8"])
        }
        guard isThere else {
            throw KubeletFailure(400, "failed to open log file \"\(status.logPath)\": no such file or directory")
        }
    }

    private static func logQuery(_ query: QueryString) throws(KubeletFailure) -> LogQuery {
        var query: QueryString = query
        // The old name of tailLines.
        if let tail = query["tail"], !tail.isEmpty {
            query.pairs.removeAll { $0.name == "tailLines" }
            if tail != "all" { query.append("tailLines", tail) }
        }
        let asked: LogQuery
        do throws(LogQuery.Malformed) {
            asked = try LogQuery(query)
        } catch {
            throw KubeletFailure(400, "{\"message\": \"Unable to decode query.\"}")
        }
        let isValid: Bool =
            (asked.tailLines ?? 0) >= 0 && (asked.limitBytes ?? 1) >= 1 && (asked.sinceSeconds ?? 1) >= 1
            && (asked.sinceSeconds == nil || asked.sinceTime == nil)
        guard isValid else { throw KubeletFailure(422, "{\"message\": \"Invalid request.\"}") }
        if let time = asked.sinceTime, MicroTime(time) == nil {
            throw KubeletFailure(400, "{\"message\": \"Unable to decode query.\"}")
        }
        return asked
    }

    private static func since(_ asked: LogQuery) -> MicroTime? {
        if let time = asked.sinceTime { return MicroTime(time) }
        guard let seconds = asked.sinceSeconds else { return nil }
        return MicroTime(SystemWallClock().nowMicro.time.adding(seconds: -seconds))
    }
}
