// Union, difference and intersection walk both trees side by side; a field's place above another does not matter to them.

extension FieldSet {
    package mutating func formUnion(_ other: FieldSet) {
        if other.isEmpty { return }
        self = isEmpty ? other : union(other)
    }

    package func union(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        result.entries.reserveCapacity(max(entries.count, other.entries.count))
        merge(other) { (left: Entry?, right: Entry?) in
            switch (left, right) {
            case (var left?, let right?):
                left.isMember = left.isMember || right.isMember
                left.children.formUnion(right.children)
                result.entries.append(left)
            case (let one?, nil), (nil, let one?): result.entries.append(one)
            case (nil, nil): break
            }
        }
        return result
    }

    /// What is in both.
    package func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        merge(other) { (left: Entry?, right: Entry?) in
            guard let left, let right else { return }
            result.append(
                left.element, isMember: left.isMember && right.isMember,
                children: left.children.intersection(right.children))
        }
        return result
    }

    /// What is here and not in the other.
    package func subtracting(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        var result = FieldSet()
        result.entries.reserveCapacity(entries.count)
        merge(other) { (left: Entry?, right: Entry?) in
            guard let left else { return }
            guard let right else {
                result.entries.append(left)
                return
            }
            result.append(
                left.element, isMember: left.isMember && !right.isMember,
                children: left.children.subtracting(right.children))
        }
        return result
    }

    /// What is here and neither in the other nor below one of its fields.
    package func subtractingTrees(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        var result = FieldSet()
        merge(other) { (left: Entry?, right: Entry?) in
            guard let left else { return }
            guard let right else {
                result.entries.append(left)
                return
            }
            if right.isMember { return }
            result.append(
                left.element, isMember: left.isMember, children: left.children.subtractingTrees(right.children))
        }
        return result
    }

    package func isDisjoint(with other: FieldSet) -> Bool {
        var isDisjoint: Bool = true
        merge(other) { (left: Entry?, right: Entry?) in
            guard isDisjoint, let left, let right else { return }
            isDisjoint = !(left.isMember && right.isMember) && left.children.isDisjoint(with: right.children)
        }
        return isDisjoint
    }

    package func isSubset(of other: FieldSet) -> Bool {
        var isSubset: Bool = true
        merge(other) { (left: Entry?, right: Entry?) in
            guard isSubset, let left else { return }
            guard let right else {
                isSubset = false
                return
            }
            isSubset = (!left.isMember || right.isMember) && left.children.isSubset(of: right.children)
        }
        return isSubset
    }

    private mutating func append(_ element: PathElement, isMember: Bool, children: FieldSet) {
        guard isMember || !children.isEmpty else { return }
        entries.append(Entry(element: element, isMember: isMember, children: children))
    }

    /// Both lists in their common order; nil where one has no such element.
    private func merge(_ other: FieldSet, _ body: (Entry?, Entry?) -> Void) {
        var left: Int = 0
        var right: Int = 0
        while left < entries.count, right < other.entries.count {
            let order: Int = entries[left].element.order(other.entries[right].element)
            if order == 0 {
                body(entries[left], other.entries[right])
                left += 1
                right += 1
            } else if order < 0 {
                body(entries[left], nil)
                left += 1
            } else {
                body(nil, other.entries[right])
                right += 1
            }
        }
        while left < entries.count {
            body(entries[left], nil)
            left += 1
        }
        while right < other.entries.count {
            body(nil, other.entries[right])
            right += 1
        }
    }
}
