import APIMachinery
import APIServer
import HTTPServer

extension APIHTTPHandler {
    /// Streams a watch until one of both sides ends it.
    func watch(_ request: APIRequest, _ context: RequestContext, _ answer: Answer) async {
        let served: ServedWatch
        do throws(StatusError) {
            served = try await core.watch(request, context)
        } catch {
            fail(error, request, answer)
            return
        }
        let encoder = WatchEncoder(served.resource, answer.negotiation, clock: core.services.environment.clock)
        guard let writer = answer.beginWatch() else { return }
        writer.onClose { _ in served.watch.cancel() }
        core.answered(context, code: 200, since: answer.began)
        answer.started()
        defer { answer.ended() }
        if encoder.sendsStoredBytes {
            await writer.onLoop { await Self.send(served.watch, encoder, writer) }
        } else {
            await Self.send(served.watch, encoder, writer)
        }
    }

    private static func send(_ watch: OpenWatch, _ encoder: WatchEncoder, _ writer: HTTPBodyWriter) async {
        var isFirst: Bool = true
        do throws(StatusError) {
            while let deliveries = try await watch.next() {
                for delivery in deliveries {
                    let frame: [UInt8] = try encoder.frame(delivery, isFirst: isFirst)
                    isFirst = false
                    guard writer.write(frame) == .accepted else {
                        // Gone, or so slow that its buffer is full: it comes back and goes on from its last revision.
                        watch.cancel()
                        writer.abort()
                        return
                    }
                    guard writer.isWritable else {
                        guard await writer.writable() else {
                            watch.cancel()
                            return
                        }
                        continue
                    }
                }
            }
        } catch {
            writer.write(encoder.frame(error))
        }
        watch.cancel()
        writer.finish()
    }

    /// History that is gone is told inside the stream, as upstream does; the rest as an ordinary answer.
    private func fail(_ error: StatusError, _ request: APIRequest, _ answer: Answer) {
        guard error.code == 410, let resource = core.registry.resource(request.resource),
            let writer = answer.beginWatch()
        else {
            answer.fail(error)
            return
        }
        let encoder = WatchEncoder(resource, answer.negotiation, clock: core.services.environment.clock)
        writer.write(encoder.frame(error))
        writer.finish()
    }
}
