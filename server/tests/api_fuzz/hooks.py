"""What the document can't say is not tried.

For JSON Schema 2.0 is a whole number, for the server it is none; lengths count in characters, those
of names in bytes; and a list can't be told to have each name once.
"""

import schemathesis

# Carried as it is, whatever it is.
CARRIED = {"payload", "meta", "data"}
BYTES = 255


def sayable(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= BYTES < len(value.encode("utf-8", "replace")):
        # No character has more than four.
        return value[: BYTES // 4]
    if isinstance(value, list):
        return once([sayable(item) for item in value])
    if isinstance(value, dict):
        return {key: item if key in CARRIED else sayable(item) for key, item in value.items()}
    return value


def once(items):
    """Definitions of events, each name once; of other lists, all of them."""
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(name, str) for name in names):
        return items
    return list(dict(zip(names, items)).values())


@schemathesis.hook
def map_body(context, body):
    return sayable(body)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return sayable(path_parameters)
