"""AsyncAPI 2.6.0 and 3.0.0."""

from interlock.contracts.lint.schema_grammar import SCHEMA_OLDER

# AsyncAPI's Schema Object names the property alone.
_SCHEMA = SCHEMA_OLDER.replace("discriminator Discriminator", "discriminator string")

_COMMON = r"""
Payload
  ^ any
Contact
  name string
  url string
  email string
License
  name! string
  url string
ExternalDocs
  description string
  url! string
Tag
  name! string
  description string
  externalDocs &ExternalDocs
SecurityRequirement
  ^ array
ServerVariable
  enum [string]
  default string
  description string
  examples array
CorrelationId
  description string
  location! string
MessageExample
  headers any
  payload any
  name string
  summary string
"""
_V2 = r"""
AsyncAPI
  asyncapi! string
  id string
  info! Info
  servers {&Server}
  defaultContentType string
  channels! {Channel}
  components Components
  tags [Tag]
  externalDocs ExternalDocs
Info
  title! string
  version! string
  description string
  termsOfService string
  contact Contact
  license License
Server
  url! string
  protocol! string
  protocolVersion string
  description string
  variables {&ServerVariable}
  security [SecurityRequirement]
  tags [Tag]
  bindings object
Channel
  $ref string
  description string
  servers [string]
  subscribe Operation
  publish Operation
  parameters {&ChannelParameter}
  bindings object
ChannelParameter
  description string
  schema Schema|boolean
  location string
Operation
  operationId string
  summary string
  description string
  security [SecurityRequirement]
  tags [Tag]
  externalDocs ExternalDocs
  bindings object
  traits [&OperationTrait]
  message &Message
OperationTrait
  operationId string
  summary string
  description string
  security [SecurityRequirement]
  tags [Tag]
  externalDocs ExternalDocs
  bindings object
Message
  oneOf [&Message]
  messageId string
  headers Schema|boolean
  payload Payload|any
  correlationId &CorrelationId
  schemaFormat string
  contentType string
  name string
  title string
  summary string
  description string
  tags [Tag]
  externalDocs ExternalDocs
  bindings object
  examples [MessageExample]
  traits [&MessageTrait]
MessageTrait
  messageId string
  headers Schema|boolean
  correlationId &CorrelationId
  schemaFormat string
  contentType string
  name string
  title string
  summary string
  description string
  tags [Tag]
  externalDocs ExternalDocs
  bindings object
  examples [MessageExample]
Components
  schemas {Payload|any}
  servers {&Server}
  serverVariables {&ServerVariable}
  channels {Channel}
  messages {&Message}
  securitySchemes {&SecurityScheme}
  parameters {&ChannelParameter}
  correlationIds {&CorrelationId}
  operationTraits {&OperationTrait}
  messageTraits {&MessageTrait}
  serverBindings object
  channelBindings object
  operationBindings object
  messageBindings object
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
_V3 = r"""
AsyncAPI
  asyncapi! string
  id string
  info! Info
  servers {&Server}
  defaultContentType string
  channels {&Channel}
  operations {&Operation}
  components Components
Info
  title! string
  version! string
  description string
  termsOfService string
  contact Contact
  license License
  tags [&Tag]
  externalDocs &ExternalDocs
Server
  host! string
  protocol! string
  protocolVersion string
  pathname string
  description string
  title string
  summary string
  variables {&ServerVariable}
  security [&SecurityScheme]
  tags [&Tag]
  externalDocs &ExternalDocs
  bindings object
Channel
  address string|null
  messages {&Message}
  title string
  summary string
  description string
  servers [&Server]
  parameters {&ChannelParameter}
  tags [&Tag]
  externalDocs &ExternalDocs
  bindings object
ChannelParameter
  enum [string]
  default string
  description string
  examples array
  location string
Operation
  action! string
  channel! &Channel
  title string
  summary string
  description string
  security [&SecurityScheme]
  tags [&Tag]
  externalDocs &ExternalDocs
  bindings object
  traits [&OperationTrait]
  messages [&Message]
  reply &Reply
Reply
  address &ReplyAddress
  channel &Channel
  messages [&Message]
ReplyAddress
  location! string
  description string
OperationTrait
  title string
  summary string
  description string
  security [&SecurityScheme]
  tags [&Tag]
  externalDocs &ExternalDocs
  bindings object
Message
  headers Schema|boolean
  payload Payload|any
  correlationId &CorrelationId
  contentType string
  name string
  title string
  summary string
  description string
  tags [&Tag]
  externalDocs &ExternalDocs
  bindings object
  examples [MessageExample]
  traits [&MessageTrait]
MessageTrait
  headers Schema|boolean
  correlationId &CorrelationId
  contentType string
  name string
  title string
  summary string
  description string
  tags [&Tag]
  externalDocs &ExternalDocs
  bindings object
  examples [MessageExample]
Components
  schemas {Payload|any}
  servers {&Server}
  channels {&Channel}
  operations {&Operation}
  messages {&Message}
  securitySchemes {&SecurityScheme}
  serverVariables {&ServerVariable}
  parameters {&ChannelParameter}
  correlationIds {&CorrelationId}
  replies {&Reply}
  replyAddresses {&ReplyAddress}
  externalDocs {&ExternalDocs}
  tags {&Tag}
  operationTraits {&OperationTrait}
  messageTraits {&MessageTrait}
  serverBindings object
  channelBindings object
  operationBindings object
  messageBindings object
SecurityScheme
  type! string
  description string
  name string
  in string
  scheme string
  bearerFormat string
  flows OAuthFlows
  openIdConnectUrl string
  scopes array
OAuthFlows
  implicit OAuthFlow
  password OAuthFlow
  clientCredentials OAuthFlow
  authorizationCode OAuthFlow
OAuthFlow
  authorizationUrl string
  tokenUrl string
  refreshUrl string
  availableScopes object
"""
GRAMMARS = {"2": _COMMON + _V2 + _SCHEMA, "3": _COMMON + _V3 + _SCHEMA}
