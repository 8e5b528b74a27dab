const GUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi

/**
 * A text whose GUIDs are in lower case, also those within `api://…` and `spn:…`, since Entra's GUIDs
 * count without regard to case. Everything else stays as it is.
 */
export function lowerGuids(text: string): string {
  return text.replace(GUID, (guid) => guid.toLowerCase())
}
