"""Loads an estate's Python as the package `estate_<hash>`, so that several estates and versions live in one process.

Inside it, `import estate.contracts.orders` means the estate's own module: the import is rewritten in the syntax tree,
so no process-wide name `estate` exists that two estates could fight over.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from interlock.estate.folder import Folder

PUBLIC = "estate"
HASH_DIGITS = 16


class EstatePackage(MetaPathFinder, Loader):
    """Finder and loader of one package. Reads from the folder's bytes, never from a bytecode cache."""

    def __init__(self, folder: Folder, estate_hash: str) -> None:
        self.name = f"{PUBLIC}_{estate_hash[:HASH_DIGITS]}"
        self._folder = folder

    def install(self) -> None:
        """Replaces an earlier load of the same files: its objects live on, but later imports find this one."""
        for finder in [one for one in sys.meta_path if isinstance(one, EstatePackage) and one.name == self.name]:
            sys.meta_path.remove(finder)
        for name in [one for one in sys.modules if one == self.name or one.startswith(self.name + ".")]:
            del sys.modules[name]
        sys.meta_path.insert(0, self)

    def load(self, path: str) -> ModuleType:
        """The module of a file such as flows/fulfil.py. Raises whatever the module raises."""
        return importlib.import_module(self.module_name(path))

    def module_name(self, path: str) -> str:
        return ".".join([self.name, *path.removesuffix(".py").removesuffix("/__init__").split("/")])

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name and not fullname.startswith(self.name + "."):
            return None
        relative = fullname[len(self.name) + 1 :].replace(".", "/")
        for file, is_package in ((f"{relative}.py", False), (f"{relative}/__init__.py".lstrip("/"), True)):
            if (relative and file in self._folder.files) or (is_package and file in self._folder.files):
                return self._spec(fullname, file, is_package)
        if not relative or any(file.startswith(relative + "/") for file in self._folder.files):
            return self._spec(fullname, None, True)
        return None

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        file = spec.loader_state if spec else None
        if file is None:
            return
        tree = rewritten(ast.parse(self._folder.files[file], filename=str(self._folder.root / file)), self.name)
        exec(compile(tree, str(self._folder.root / file), "exec"), module.__dict__)  # noqa: S102 - a module loader

    def _spec(self, fullname: str, file: str | None, is_package: bool) -> ModuleSpec:
        origin = str(self._folder.root / file) if file else None
        spec = ModuleSpec(fullname, self, origin=origin, is_package=is_package, loader_state=file)
        spec.has_location = file is not None
        return spec


def rewritten(tree: ast.Module, package: str) -> ast.Module:
    """The same module, with `estate` in its imports standing for `package`."""
    _Rewriter(package).visit(tree)
    return ast.fix_missing_locations(tree)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, package: str) -> None:
        self._package = package

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.level == 0 and node.module and _is_public(node.module):
            node.module = self._package + node.module[len(PUBLIC) :]
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """`import estate.x` binds `estate`: import the true module, then bind the package under that name."""
        after: list[ast.stmt] = []
        for alias in node.names:
            if _is_public(alias.name):
                alias.name = self._package + alias.name[len(PUBLIC) :]
                if alias.asname is None:
                    bind = ast.Import([ast.alias(self._package, PUBLIC)])
                    after.append(ast.copy_location(bind, node))
        return [node, *after]


def _is_public(name: str) -> bool:
    return name == PUBLIC or name.startswith(PUBLIC + ".")
