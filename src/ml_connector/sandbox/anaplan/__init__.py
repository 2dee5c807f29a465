"""The Anaplan side of the sandbox: authentication service and Integration API on one port."""
