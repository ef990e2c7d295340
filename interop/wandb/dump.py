"""Print every record of a .wandb file as one JSON object a line.

Framing and messages are read by the official client's own code
(wandb.sdk.internal.datastore and wandb.proto), so what is printed is what the
reference implementation understands.
"""

import json
import sys

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal import datastore


def unknown(message: Message) -> list[str]:
    """Name every field, at any depth, that the official messages do not know."""
    found = [f"{message.DESCRIPTOR.name}.{f.field_number}" for f in UnknownFieldSet(message)]
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for part in [value] if isinstance(value, Message) else value:
            found += unknown(part)
    return found


def main(path: str) -> None:
    store = datastore.DataStore()
    store.open_for_scan(path)
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        out = MessageToDict(record, preserving_proto_field_name=True)
        out["record_type"] = record.WhichOneof("record_type")
        out["unknown_fields"] = unknown(record)
        json.dump(out, sys.stdout)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
