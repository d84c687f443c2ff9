/// A Service as far as names go.
package struct ZoneService: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case clusterAddresses([InternetAddress])
        /// Found by its endpoints.
        case headless
        /// `ExternalName`: another name.
        case alias(DNSName)
    }

    package var key: ServiceKey
    package var kind: Kind
    package var ports: [ZonePort]

    package init(_ key: ServiceKey, _ kind: Kind, ports: [ZonePort] = []) {
        self.key = key
        self.kind = kind
        self.ports = ports
    }
}

package struct ServiceKey: Hashable, Sendable, CustomStringConvertible {
    package var namespace: String
    package var name: String

    package init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    package var description: String { "\(namespace)/\(name)" }
}

package struct ZonePort: Hashable, Sendable {
    /// Empty for the only port of a service.
    package var name: String
    /// `tcp`, `udp` or `sctp`.
    package var transport: String
    package var number: UInt16

    package init(name: String, transport: String, number: UInt16) {
        self.name = name
        self.transport = transport
        self.number = number
    }
}

/// An EndpointSlice as far as names go.
package struct ZoneSlice: Sendable, Equatable {
    package struct Endpoint: Sendable, Equatable {
        package var addresses: [InternetAddress]
        package var hostname: String?
        package var isReady: Bool
        /// The name of the pod behind it.
        package var pod: String?

        package init(_ addresses: [InternetAddress], hostname: String? = nil, isReady: Bool = true, pod: String? = nil)
        {
            self.addresses = addresses
            self.hostname = hostname
            self.isReady = isReady
            self.pod = pod
        }
    }

    package var name: String
    package var service: ServiceKey
    package var endpoints: [Endpoint]
    package var ports: [ZonePort]

    package init(_ name: String, of service: ServiceKey, _ endpoints: [Endpoint], ports: [ZonePort] = []) {
        self.name = name
        self.service = service
        self.endpoints = endpoints
        self.ports = ports
    }
}

/// Something that the zone should know, in the order in which the API tells it. A change knows its revision, which is what
/// Flow shows as the cause.
package enum ZoneChange: Sendable, Equatable {
    case service(ZoneService, revision: Int64)
    case serviceGone(ServiceKey, revision: Int64)
    case slice(ZoneSlice, revision: Int64)
    case sliceGone(name: String, service: ServiceKey, revision: Int64)
    case namespace(String)
    case namespaceGone(String)
    /// All that there was in the beginning has been told.
    case complete
}

/// What became of changes to one service.
package struct ZoneUpdate: Sendable, Equatable {
    package var service: ServiceKey
    /// Whether its name resolves now and did not before.
    package var isNew: Bool
    /// Pods that the service's records lead to now and did not before.
    package var pods: [String]
    /// What it was because of.
    package var revisions: [Int64]

    package init(service: ServiceKey, isNew: Bool, pods: [String], revisions: [Int64]) {
        self.service = service
        self.isNew = isNew
        self.pods = pods
        self.revisions = revisions
    }
}
