"""Every scenario for servers, one module a subject; importing this package fills the registry."""

from importlib import import_module
from pkgutil import iter_modules

from inverted_conformance.server_mode.registry import SERVER

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["SERVER"]
