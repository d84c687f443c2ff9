import APIValidation
import PKI

/// Looks at certificates and requests with the library that knows X.509.
package struct X509Inspector: CertificateInspector {
    package init() {}

    package func fault(ofRequest der: [UInt8]) -> String? { CertificateFaults.ofRequest(der) }
    package func fault(ofCertificate der: [UInt8]) -> String? { CertificateFaults.ofCertificate(der) }
}
