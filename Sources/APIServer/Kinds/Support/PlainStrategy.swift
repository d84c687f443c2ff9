package import APIMachinery

/// The strategy of a kind that needs nothing but settings and a few functions.
package struct PlainStrategy<Object: APIObject>: KindStrategy {
    package let info: ResourceInfo
    package var parts: ObjectParts<Object>
    package var nameRule: NameRule = .dns1123Subdomain
    package var table: TableDefinition<Object>
    package var allowsUnconditionalUpdate: Bool = true
    package var allowsCreateOnUpdate: Bool = false
    package var returnsDeletedObject: Bool = false
    /// Fields of selectors, with the values of an object in the same order.
    package var fields: (names: [String], values: @Sendable (Object) -> [String]) = ([], { _ in [] })
    package var defaults: (@Sendable (inout Object) -> Void)?
    /// Runs after the common rules for new objects.
    package var onCreate: (@Sendable (inout Object, RequestContext) -> Void)?
    /// Runs after the common rules for changed objects.
    package var onUpdate: (@Sendable (inout Object, Object, RequestContext) -> Void)?
    /// Runs after the common rules for a changed status.
    package var onStatus: (@Sendable (inout Object, Object, RequestContext) -> Void)?
    package var check: (@Sendable (Object) -> FieldErrors)?
    /// Of the new object and the old one.
    package var checkUpdate: (@Sendable (Object, Object) -> FieldErrors)?
    package var checkStatus: (@Sendable (Object, Object) -> FieldErrors)?
    package var warn: (@Sendable (Object, Object?) -> [String])?

    package init(
        _ info: ResourceInfo, parts: ObjectParts<Object> = ObjectParts(), table: TableDefinition<Object>,
        _ fill: (inout Self) -> Void = { _ in }
    ) {
        self.info = info
        self.parts = parts
        self.table = table
        fill(&self)
    }

    package func setDefaults(_ object: inout Object) { defaults?(&object) }

    package func prepareForCreate(_ object: inout Object, context: RequestContext) {
        applyCreateRules(&object)
        onCreate?(&object, context)
    }

    package func validateCreate(_ object: Object, context: RequestContext) -> FieldErrors { check?(object) ?? [] }

    package func prepareForUpdate(_ object: inout Object, old: Object, context: RequestContext) {
        applyUpdateRules(&object, old: old)
        onUpdate?(&object, old, context)
    }

    package func validateUpdate(_ object: Object, old: Object, context: RequestContext) -> FieldErrors {
        checkUpdate?(object, old) ?? []
    }

    package func prepareForStatusUpdate(_ object: inout Object, old: Object, context: RequestContext) {
        applyKindStatusRules(&object, old: old)
        onStatus?(&object, old, context)
    }

    package func validateStatusUpdate(_ object: Object, old: Object, context: RequestContext) -> FieldErrors {
        checkStatus?(object, old) ?? []
    }

    package func warnings(_ object: Object, old: Object?, context: RequestContext) -> [String] {
        warn?(object, old) ?? []
    }

    package var selectableFields: [String] { fields.names }
    package func selectableValues(_ object: Object) -> [String] { fields.values(object) }
}
