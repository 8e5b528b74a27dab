import type { GroupsKnown } from '../../access/identity.ts'
import type { Identity } from '../../oauth/identity.ts'
import type { ProviderExplanation, ProviderTrace } from '../../oauth/provider-explanation.ts'
import type { AccessTokenFormat } from '../sealed/access-token-format.ts'

/** What a browser brings along: our own cookies, nothing in them believed yet. */
export interface BrowserCookies {
  /** Sealed transactions by their ids. */
  readonly transactions: ReadonlyMap<string, string>
  /** The sealed consents that this browser remembers. */
  readonly consents?: string
}

/** How a browser's cookies change. */
export type CookieChange =
  | { readonly kind: 'set_transaction'; readonly id: string; readonly value: string }
  | { readonly kind: 'drop_transaction'; readonly id: string }
  | { readonly kind: 'set_consents'; readonly value: string }

/** What a browser is answered at authorize and callback. */
export type BrowserAnswer = (
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'page'; readonly status: number; readonly page: Page }
) & { readonly cookies: readonly CookieChange[]; readonly log: BrowserLog }

/** What the log says of it. */
export interface BrowserLog {
  readonly decision: 'allow' | 'refuse' | 'unavailable'
  readonly reason: string
  /** Where the identity provider refused. */
  readonly explanation?: ProviderExplanation
  readonly trace?: ProviderTrace
  /** Whose sign-in came to its end. */
  readonly identity?: Identity
}

/** A page for users: what is on it, not how it looks. Every text may come from outside. */
export type Page = ConsentPage | GoOnPage | ErrorPage | SignedInPage

/** What pages show of a client. */
export interface PageClient {
  readonly kind: 'registered' | 'dynamic' | 'metadata_document' | 'popup'
  readonly id: string
  /** What it calls itself: not to be believed. */
  readonly name?: string
  /** The host that vouches for it. */
  readonly host?: string
  /** Of the web UI that opened the popup. */
  readonly origin?: string
}

/** A question about a client: a form with `decision=allow` and `decision=deny`. */
interface Question {
  /** Where the form is posted to. */
  readonly action: string
  /** The field `transaction` of the form. */
  readonly transaction: string
  readonly client: PageClient
  readonly redirectUri: string
  /** The resource's name, and the URL that users typed. */
  readonly resource: { readonly name: string; readonly url: string }
  /** `passthrough`: the client gets a token for the cluster itself. */
  readonly tokens: AccessTokenFormat
}

/** Before the provider: whether a client may be given access. */
export interface ConsentPage extends Question {
  readonly kind: 'consent'
  /** How long the client can renew its token, in milliseconds. */
  readonly lasts: number
  /** Whether an allowed client is not asked for again in this browser for a while. */
  readonly remembers: boolean
  /** Of the resource, for users; of the fleet, which clusters it has. */
  readonly description?: string
}

/** After the provider: whether to go on to the client. */
export interface GoOnPage extends Question {
  readonly kind: 'go_on'
}

/** Says what went wrong, whose job it is, and the remedy. */
export interface ErrorPage {
  readonly kind: 'error'
  readonly explanation: ProviderExplanation
}

/** Says to a user who signed in on our own page who they are. Holds no token. */
export interface SignedInPage {
  readonly kind: 'signed_in'
  readonly user: string
  readonly groups: readonly string[]
  /** Whether `groups` are those of the token, and else why not. */
  readonly groupsKnown: GroupsKnown
  /** Milliseconds since the epoch. */
  readonly signedInAt: number
  /** When the token ends; milliseconds since the epoch. */
  readonly expiresAt: number
  readonly resources: readonly {
    readonly name: string
    readonly url: string
    readonly permitted: boolean
  }[]
}
