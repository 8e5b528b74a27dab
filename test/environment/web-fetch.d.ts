/** A name of the Fetch standard that the MCP SDK's types use and Node's do not declare. */
type HeadersInit = ConstructorParameters<typeof Headers>[0]
