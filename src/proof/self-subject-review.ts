import { text, texts } from '../oauth/claims.ts'
import { isJsonObject, parseObject } from '../oauth/json.ts'
import { printable } from '../oauth/printable.ts'

/** As whom an API server knows a token. */
export type SelfSubjectReview =
  | { readonly kind: 'known'; readonly user: string; readonly groups: readonly string[] }
  /** It takes this token for nobody's. */
  | { readonly kind: 'unauthenticated' }
  /** `why` is the end of a sentence. */
  | { readonly kind: 'unclear'; readonly why: string }

/** What is asked: `POST` with the token as bearer (Kubernetes 1.28; `kubectl auth whoami`). */
export const SELF_SUBJECT_REVIEW_PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
export const SELF_SUBJECT_REVIEW = JSON.stringify({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'SelfSubjectReview',
})

/** Reads the API server's answer to a SelfSubjectReview. Texts in it are cut and cleaned. */
export function readSelfSubjectReview(status: number, body: string): SelfSubjectReview {
  if (status === 401) return { kind: 'unauthenticated' }
  if (status === 404)
    return {
      kind: 'unclear',
      why: 'it has no SelfSubjectReview: it is no API server, or older than Kubernetes 1.28',
    }
  const review = parseObject(body)?.['status']
  const info = isJsonObject(review) ? review['userInfo'] : undefined
  const user = isJsonObject(info) ? text(info, 'username') : undefined
  if (status !== 201 || !isJsonObject(info) || user === undefined) {
    return { kind: 'unclear', why: `it answered ${status}` }
  }
  if (user === 'system:anonymous') return { kind: 'unauthenticated' }
  return {
    kind: 'known',
    user: printable(user),
    groups: texts(info, 'groups').map((group) => printable(group)),
  }
}
