"""All rules of `interlock lint` that look into contracts."""

from __future__ import annotations

from interlock.contracts.lint.asyncapi_rules import ASYNCAPI_RULES
from interlock.contracts.lint.document_rules import DOCUMENT_RULES
from interlock.contracts.lint.event_rules import EVENT_RULES
from interlock.contracts.lint.example_rules import EXAMPLE_RULES
from interlock.contracts.lint.field_rules import FIELD_RULES
from interlock.contracts.lint.http_rules import HTTP_RULES
from interlock.contracts.lint.operation_rules import OPERATION_RULES
from interlock.contracts.lint.parameter_rules import PARAMETER_RULES
from interlock.contracts.lint.path_rules import PATH_RULES
from interlock.contracts.lint.rule import LintRule
from interlock.contracts.lint.schema_rules import SCHEMA_RULES
from interlock.contracts.lint.security_rules import SECURITY_RULES
from interlock.contracts.lint.service_rules import SERVICE_RULES

LINT_RULES: tuple[LintRule, ...] = (
    *DOCUMENT_RULES,
    *SERVICE_RULES,
    *PATH_RULES,
    *PARAMETER_RULES,
    *OPERATION_RULES,
    *HTTP_RULES,
    *SECURITY_RULES,
    *FIELD_RULES,
    *SCHEMA_RULES,
    *EXAMPLE_RULES,
    *ASYNCAPI_RULES,
    *EVENT_RULES,
)
LINT_BY_ID = {rule.id: rule for rule in LINT_RULES}
