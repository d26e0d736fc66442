"""Executable runbooks for the stereo-spot video pipeline: read, decide, change, show.

Importing this package installs the gate (ops_lib/gate.py): from then on every boto3 and botocore client of
the process, whoever made it, can call only the AWS operations on an explicit list of reads; all else raises
`ops_lib.errors.ChangeRefused`. A change is made by `ops apply`, in a process of its own.
"""

from ops_lib.gate import install

__version__ = "0.1.0"

install()
