"""JSON Schema 2020-12, the same with the words of older drafts, and the Schema Object of OpenAPI 3.0."""

import re

_WORDS = r"""
Schema
  $schema string
  $id string
  $ref string
  $anchor string
  $dynamicRef string
  $dynamicAnchor string
  $recursiveRef string
  $recursiveAnchor boolean
  $vocabulary object
  $comment string
  $defs {Schema|boolean}
  definitions {Schema|boolean}
  allOf [SchemaPart|boolean]
  anyOf [Schema|boolean]
  oneOf [Schema|boolean]
  not SchemaPart|boolean
  if SchemaPart|boolean
  then SchemaPart|boolean
  else SchemaPart|boolean
  dependentSchemas {SchemaPart|boolean}
  dependencies {SchemaPart|boolean|array}
  prefixItems [Schema|boolean]
  items Schema|boolean|array
  additionalItems Schema|boolean
  contains Schema|boolean
  properties {Schema|boolean}
  patternProperties {Schema|boolean}
  additionalProperties Schema|boolean
  propertyNames SchemaPart|boolean
  unevaluatedItems Schema|boolean
  unevaluatedProperties Schema|boolean
  contentSchema Schema|boolean
  type string|array
  enum array
  const any
  multipleOf number
  maximum number
  exclusiveMaximum number|boolean
  minimum number
  exclusiveMinimum number|boolean
  maxLength integer
  minLength integer
  pattern string
  maxItems integer
  minItems integer
  uniqueItems boolean
  maxContains integer
  minContains integer
  maxProperties integer
  minProperties integer
  required array
  dependentRequired object
  title string
  description string
  default any
  deprecated boolean
  readOnly boolean
  writeOnly boolean
  examples array
  example any
  format string
  contentEncoding string
  contentMediaType string
  discriminator Discriminator
  xml object
  externalDocs object
Discriminator
  propertyName! string
  mapping object
"""
_WORDS_3_0 = r"""
Schema
  $ref string
  title string
  multipleOf number
  maximum number
  exclusiveMaximum boolean
  minimum number
  exclusiveMinimum boolean
  maxLength integer
  minLength integer
  pattern string
  maxItems integer
  minItems integer
  uniqueItems boolean
  maxProperties integer
  minProperties integer
  required array
  enum array
  type string
  allOf [SchemaPart]
  oneOf [Schema]
  anyOf [Schema]
  not SchemaPart
  items Schema
  properties {Schema}
  additionalProperties Schema|boolean
  description string
  format string
  default any
  nullable boolean
  discriminator Discriminator
  readOnly boolean
  writeOnly boolean
  xml object
  externalDocs object
  example any
  deprecated boolean
Discriminator
  propertyName! string
  mapping object
"""


def _with_part(words: str) -> str:
    """A SchemaPart only adds conditions to the schema around it; whatever stands inside one does the same."""
    body = words.partition("\nDiscriminator")[0].strip("\n").partition("\n")[2]
    part = re.sub(r"Schema(?:Part)?\b", "SchemaPart", body)
    return f"{words}SchemaPart\n{part}\n"


_OF_OLDER_DRAFTS = re.compile(r"^  (?:definitions|dependencies|additionalItems|\$recursive\w+) .*\n", re.MULTILINE)
SCHEMA_OLDER = _with_part(_WORDS)
SCHEMA = _OF_OLDER_DRAFTS.sub("", SCHEMA_OLDER)
SCHEMA_3_0 = _with_part(_WORDS_3_0)
