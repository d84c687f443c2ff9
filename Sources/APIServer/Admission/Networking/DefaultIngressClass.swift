package import APIMachinery
import APINetworking
import Codec

/// Ingresses that name no class get the default one, if there is one.
package struct DefaultIngressClass: AdmissionPlugin {
    package let name = "DefaultIngressClass"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.creates("ingresses", group: "networking.k8s.io")
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let given = attributes.object(as: Ingress.self), given.spec.ingressClassName == nil,
            !given.metadata.annotations.contains(key: "kubernetes.io/ingress.class")
        else { return }
        let classes: [IngressClass] = attributes.caches.list(IngressClass.self, namespace: "").filter {
            DefaultMark.isSet($0.metadata.annotations, ["ingressclass.kubernetes.io/is-default-class"])
        }
        guard let chosen = DefaultMark.newest(classes.map { $0.metadata }) else { return }
        try attributes.mutate(Ingress.self) { (ingress: inout Ingress) throws(StatusError) -> Void in
            ingress.spec.ingressClassName = chosen.name
        }
    }
}
