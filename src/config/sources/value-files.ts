import { resolve } from 'node:path'
import { errorCode } from '../../net/error-code.ts'
import type { CertificateAndKey } from '../config.ts'
import type { Report } from '../report/report.ts'
import { ValueError } from '../value-error.ts'
import type { Path, SettingsDraft } from './draft.ts'
import { keyMatches, readCertificates, readPrivateKey } from './pem.ts'

const remedies: Readonly<Record<string, string>> = {
  EACCES:
    'Let this process read it: in a pod set defaultMode of the secret volume to 0440 and fsGroup of the pod to the group that rolecall runs with (65532 in the image).',
  EISDIR:
    'Name the file in that folder: Kubernetes makes a folder where a secret is mounted whole, and also where a subPath names a key that the secret does not have.',
}

/** What to do about a file that cannot be read, by the code of the system. */
function unreadableRemedy(code: string): string {
  return (
    remedies[code] ??
    'Create the file, or correct the path; a relative one starts at the working directory.'
  )
}

/** Reads the files that settings name, and remembers which. */
export class ValueFiles {
  readonly #read: (path: string) => string
  readonly #draft: SettingsDraft
  readonly #report: Report
  readonly #paths = new Set<string>()

  constructor(read: (path: string) => string, draft: SettingsDraft, report: Report) {
    this.#read = read
    this.#draft = draft
    this.#report = report
  }

  /** Absolute paths, those that could not be read among them: they may come to be. */
  get paths(): readonly string[] {
    return [...this.#paths]
  }

  /** The text of a file, or nothing after the problem was told under the setting at `path`. */
  text(file: string, path: Path): string | undefined {
    const absolute = resolve(file)
    this.#paths.add(absolute)
    try {
      return this.#read(absolute)
    } catch (error) {
      this.#report.wrong(
        this.#draft,
        path,
        `names ${absolute}, which cannot be read (${errorCode(error)})`,
        unreadableRemedy(errorCode(error)),
      )
      return undefined
    }
  }

  /** Why a file cannot be read at the moment, if so. It is neither watched nor demanded. */
  unreadable(file: string): string | undefined {
    try {
      this.#read(resolve(file))
      return undefined
    } catch (error) {
      return errorCode(error)
    }
  }

  /** PEM certificates. */
  certificates(file: string | undefined, path: Path): string | undefined {
    return this.#checked(file, path, readCertificates)
  }

  /** A certificate and its key: both or none, and they must belong together. */
  pair(
    files: { certificate: string | undefined; key: string | undefined },
    certificatePath: Path,
    keyPath: Path,
  ): CertificateAndKey | undefined {
    const certificate = this.#checked(files.certificate, certificatePath, readCertificates)
    const key = this.#checked(files.key, keyPath, readPrivateKey)
    this.#refuseAlone(files.certificate, files.key, certificatePath, keyPath)
    this.#refuseAlone(files.key, files.certificate, keyPath, certificatePath)
    if (certificate === undefined || key === undefined) return undefined
    const chain = readCertificates(certificate)
    const privateKey = readPrivateKey(key)
    if (chain instanceof ValueError || privateKey instanceof ValueError) return undefined
    if (keyMatches(chain, privateKey)) return { certificate, key }
    this.#report.wrong(
      this.#draft,
      keyPath,
      'is not the key of the certificate',
      `Give the key of the first certificate in ${this.#draft.keyOf(certificatePath)}.`,
    )
    return undefined
  }

  #refuseAlone(
    given: string | undefined,
    missing: string | undefined,
    at: Path,
    other: Path,
  ): void {
    if (given === undefined || missing !== undefined || this.#report.isWrong(other)) return
    const name = this.#draft.keyOf(other)
    this.#report.wrong(this.#draft, at, `is there without ${name}`, `Give ${name} too.`)
  }

  #checked<T>(
    file: string | undefined,
    path: Path,
    read: (pem: string) => T | ValueError,
  ): string | undefined {
    const pem = file === undefined ? undefined : this.text(file, path)
    if (pem === undefined) return undefined
    const value = read(pem)
    if (!(value instanceof ValueError)) return pem
    this.#report.wrong(this.#draft, path, value.message, value.remedy)
    return undefined
  }
}
