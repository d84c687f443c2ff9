// Whoever writes rules speaks of addresses.
@_exported public import InternetAddresses
