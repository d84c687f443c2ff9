"""Protobuf messages of the Kubernetes API for Google's implementation, made from the tables of facts.

`Facts.encode` writes an object given as JSON by upstream's rules, independently of Swiftlet: whatever is no pointer in
upstream's Go types is on the wire even when it is empty.
"""

import base64
import datetime
import json
import re

import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

KIND = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": KIND.TYPE_STRING, "bytes": KIND.TYPE_BYTES, "bool": KIND.TYPE_BOOL, "int32": KIND.TYPE_INT32,
    "int64": KIND.TYPE_INT64, "double": KIND.TYPE_DOUBLE,
}
META = "k8s.io.apimachinery.pkg.apis.meta.v1"
SPECIAL = {
    "k8s.io.apimachinery.pkg.api.resource.Quantity": "quantity", f"{META}.Time": "time", f"{META}.MicroTime": "time",
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": "intOrString", f"{META}.FieldsV1": "raw",
    "k8s.io.apimachinery.pkg.runtime.RawExtension": "raw",
}

# Tables that are not called after the last parts of their package.
PATHS = {
    "apimachinery": "apis.meta.v1", "apiextensions-apiserver": "apiextensions.v1", "kube-aggregator": "apiregistration.v1",
}


class Facts:
    def __init__(self, folder):
        self.packages = yaml.safe_load((folder / "api-protobuf.yaml").read_text())
        self.types = {}
        for path in sorted((folder / "api").glob("*.yaml")):
            for name, value in yaml.safe_load(path.read_text()).items():
                group = PATHS.get(path.stem, path.stem)
                self.types[f"{group}.{name}"] = value
        self.kinds = {}
        for name, value in self.types.items():
            for gvk in value.get("gvk", []):
                self.kinds.setdefault(gvk.lstrip("/"), name)
        self.pool = descriptor_pool.DescriptorPool()
        self.pool.Add(self._file())
        self._classes = {}

    # Descriptors

    def _resolve(self, package, name):
        """`Pod`, `.core.v1.Pod` → the package and name of the message."""
        if not name.startswith("."):
            return package, name
        path, _, short = name[1:].rpartition(".")
        found = [known for known in self.packages if known.endswith("." + path) and short in self.packages[known]]
        assert len(found) == 1, f"{name} in {package}: {found}"
        return found[0], short

    @staticmethod
    def _full(package, name):
        return f"{package}.{name}"

    @staticmethod
    def _mangled(package, name):
        return f"{package}.{name}".replace(".", "_")

    def _file(self):
        file = descriptor_pb2.FileDescriptorProto(name="facts.proto", package="facts", syntax="proto2")
        for package, messages in self.packages.items():
            for name, fields in (messages or {}).items():
                message = file.message_type.add(name=self._mangled(package, name))
                for field, (number, text) in (fields or {}).items():
                    self._field(message, package, field, number, text)
        return file

    def _field(self, message, package, name, number, text):
        field = message.field.add(name=name, number=number, label=KIND.LABEL_OPTIONAL)
        mapped = re.fullmatch(r"map<(\w+),(.+)>", text)
        if mapped:
            entry = message.nested_type.add(name=name[0].upper() + name[1:] + "Entry")
            entry.options.map_entry = True
            for index, part in enumerate(mapped.groups(), 1):
                self._type(
                    entry.field.add(name=("key", "value")[index - 1], number=index, label=KIND.LABEL_OPTIONAL),
                    package, part)
            field.label = KIND.LABEL_REPEATED
            field.type = KIND.TYPE_MESSAGE
            field.type_name = f".facts.{message.name}.{entry.name}"
            return
        if text.startswith("repeated "):
            field.label = KIND.LABEL_REPEATED
            text = text.removeprefix("repeated ")
        self._type(field, package, text)

    def _type(self, field, package, text):
        if text in SCALARS:
            field.type = SCALARS[text]
        else:
            field.type = KIND.TYPE_MESSAGE
            field.type_name = ".facts." + self._mangled(*self._resolve(package, text))

    def message(self, package, name):
        """A new message of this type."""
        full = f"facts.{self._mangled(package, name)}"
        if full not in self._classes:
            self._classes[full] = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full))
        return self._classes[full]()

    # Objects

    def kind(self, api_version, kind):
        """The package and name of a kind's message; None if it has none."""
        short = self.kinds[f"{api_version}/{kind}"]
        path, _, name = short.rpartition(".")
        found = [
            package for package in self.packages
            if package.endswith("." + path) and name in (self.packages[package] or {})
        ]
        return (found[0], name) if found else None

    def encode(self, api_version, kind, value):
        """The message of an object, made from its JSON."""
        package, name = self.kind(api_version, kind)
        message = self.message(package, name)
        self._fill(message, package, name, self._fields(package, name), value)
        return message

    def _fields(self, package, name):
        """What the tables say of a message's JSON."""
        path = ".".join(package.split(".")[-2:])
        if package == META:
            path = "apis.meta.v1"
        found = self.types.get(f"{path}.{name}") or {}
        # A message without fields has no table.
        return found.get("fields", None if self.packages[package][name] else {})

    def _fill(self, message, package, name, facts, value):
        for field, (_, text) in self.packages[package][name].items():
            # `Webhooks` and `uID` are `webhooks` and `uid` in JSON.
            json_name = next((known for known in facts if known.lower() == field.lower()), None)
            fact = facts.get(json_name)
            if fact is None:
                # Embedded in JSON: its members are members of this object.
                inner = self._resolve(package, text)
                getattr(message, field).SetInParent()
                self._fill(getattr(message, field), *inner, facts, value)
                continue
            self._member(message, package, field, text, fact, value.get(json_name))

    def _member(self, message, package, field, text, fact, value):
        mapped = re.fullmatch(r"map<(\w+),(.+)>", text)
        if mapped:
            for key, element in (value or {}).items():
                if mapped[2] in SCALARS:
                    getattr(message, field)[key] = self._scalar(mapped[2], element)
                else:
                    self._message(getattr(message, field)[key], *self._resolve(package, mapped[2]), element)
        elif text.startswith("repeated "):
            inner = text.removeprefix("repeated ")
            for element in value or []:
                if inner in SCALARS:
                    getattr(message, field).append(self._scalar(inner, element))
                else:
                    self._message(getattr(message, field).add(), *self._resolve(package, inner), element)
        elif text in SCALARS:
            if value is not None or not (fact.get("pointer") or text == "bytes"):
                setattr(message, field, self._scalar(text, value))
        elif value is not None or not fact.get("pointer"):
            getattr(message, field).SetInParent()
            self._message(getattr(message, field), *self._resolve(package, text), value)

    @staticmethod
    def _scalar(text, value):
        if value is None:
            return {"string": "", "bytes": b"", "bool": False, "double": 0.0}.get(text, 0)
        if text == "bytes":
            return base64.b64decode(value)
        return value

    def _message(self, message, package, name, value):
        """Fills a message that is there; nothing stands for the empty value."""
        special = SPECIAL.get(self._full(package, name))
        if special == "quantity":
            message.string = value
        elif special == "time":
            if value is not None:
                moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
                message.seconds = int(moment.replace(microsecond=0).timestamp())
                message.nanos = moment.microsecond * 1000
        elif special == "intOrString":
            message.type = 1 if isinstance(value, str) else 0
            message.intVal = value if isinstance(value, int) else 0
            message.strVal = value if isinstance(value, str) else ""
        elif special == "raw":
            if value is not None:
                field = message.DESCRIPTOR.fields[0].name
                setattr(message, field, json.dumps(value, separators=(",", ":")).encode())
        elif isinstance(value, list):
            # A list behind a name of its own: `ExtraValue`.
            message.items.extend(value)
        else:
            fields = self._fields(package, name)
            assert fields is not None, f"no facts of {package}.{name}"
            self._fill(message, package, name, fields, value or {})
