"""OpenAPI 3.0.4 and 3.1.1, section 4.8 ('Schema'), and Swagger 2.0 as far as the shared rules look."""

from interlock.contracts.lint.schema_grammar import SCHEMA, SCHEMA_3_0

_COMMON = r"""
Info
  title! string
  summary string @3.1
  description string
  termsOfService string
  contact Contact
  license License
  version! string
Contact
  name string
  url string
  email string
License
  name! string
  identifier string @3.1
  url string
ExternalDocs
  description string
  url! string
Tag
  name! string
  description string
  externalDocs ExternalDocs
SecurityRequirement
  ^ array
"""

_OPENAPI = r"""
OpenAPI
  openapi! string
  info! Info
  jsonSchemaDialect string @3.1
  servers [Server]
  paths! Paths @3.0
  paths Paths @3.1
  webhooks {&PathItem} @3.1
  components Components
  security [SecurityRequirement]
  tags [Tag]
  externalDocs ExternalDocs
Server
  url! string
  description string
  variables {ServerVariable}
ServerVariable
  enum [string]
  default! string
  description string
Components
  schemas {Schema}
  responses {&Response}
  parameters {&Parameter}
  examples {&Example}
  requestBodies {&RequestBody}
  headers {&Header}
  securitySchemes {&SecurityScheme}
  links {&Link}
  callbacks {&Callback}
  pathItems {&PathItem} @3.1
Paths
  ^^/ PathItem
PathItem
  $ref string
  summary string
  description string
  get Operation
  put Operation
  post Operation
  delete Operation
  options Operation
  head Operation
  patch Operation
  trace Operation
  servers [Server]
  parameters [&Parameter]
Operation
  tags [string]
  summary string
  description string
  externalDocs ExternalDocs
  operationId string
  parameters [&Parameter]
  requestBody &RequestBody
  responses! Responses @3.0
  responses Responses @3.1
  callbacks {&Callback}
  deprecated boolean
  security [SecurityRequirement]
  servers [Server]
Parameter
  name! string
  in! string
  description string
  required boolean
  deprecated boolean
  allowEmptyValue boolean
  style string
  explode boolean
  allowReserved boolean
  schema Schema|boolean @3.1
  schema &Schema @3.0
  example any
  examples {&Example}
  content {MediaType}
Header
  description string
  required boolean
  deprecated boolean
  allowEmptyValue boolean
  style string
  explode boolean
  allowReserved boolean
  schema Schema|boolean @3.1
  schema &Schema @3.0
  example any
  examples {&Example}
  content {MediaType}
RequestBody
  description string
  content! {MediaType}
  required boolean
MediaType
  schema Schema|boolean @3.1
  schema &Schema @3.0
  example any
  examples {&Example}
  encoding {Encoding}
Encoding
  contentType string
  headers {&Header}
  style string
  explode boolean
  allowReserved boolean
Responses
  ^^(default|[1-5](\d\d|XX))$ &Response
Response
  description! string
  headers {&Header}
  content {MediaType}
  links {&Link}
Callback
  ^ &PathItem
Example
  summary string
  description string
  value any
  externalValue string
Link
  operationRef string
  operationId string
  parameters object
  requestBody any
  description string
  server Server
SecurityScheme
  type! string
  description string
  name string
  in string
  scheme string
  bearerFormat string
  flows OAuthFlows
  openIdConnectUrl string
OAuthFlows
  implicit OAuthFlow
  password OAuthFlow
  clientCredentials OAuthFlow
  authorizationCode OAuthFlow
OAuthFlow
  authorizationUrl string
  tokenUrl string
  refreshUrl string
  scopes! object
"""

GRAMMARS = {"3.0": _COMMON + _OPENAPI + SCHEMA_3_0, "3.1": _COMMON + _OPENAPI + SCHEMA}
