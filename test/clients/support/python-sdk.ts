import { pinnedVersion, pythonEnvironment } from './python-environment.ts'

/** The two lines of the Python SDK; what is pinned is in `python/mcp-<line>.txt`. */
export type PythonSdkLine = '1' | '2'

/**
 * The Python that has one line of the SDK and what it was released with.
 *
 * @throws when there is no Python from 3.10 on, or the packages are not to be had
 */
export function pythonWithSdk(line: PythonSdkLine): Promise<string> {
  return pythonEnvironment(`mcp-${line}`)
}

/** The version of the SDK in the list of one line. */
export function pinnedSdkVersion(line: PythonSdkLine): Promise<string> {
  return pinnedVersion(`mcp-${line}`, 'mcp')
}
