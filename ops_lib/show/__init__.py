"""What people see: plots, notebooks, pages, files."""

import sys

# jsonschema builds grammars for internationalised addresses when it is imported, more than a second in each run. It
# can do without, and no notebook's schema asks for them.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
