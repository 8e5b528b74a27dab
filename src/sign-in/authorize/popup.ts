import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { type OAuthParameters, readParameters, required } from '../../oauth/parameters.ts'
import type { BrokerContext, BrokerResource } from '../broker-context.ts'
import { popupClientId, popupRedirectUri } from '../clients/popup-client.ts'
import { resourceIndicators } from '../resource-indicator.ts'

/** What the popup posts to the web UI that opened it. Never a token. */
export type PopupMessage = { readonly type: 'rolecall'; readonly state: string } & (
  | { readonly code: string; readonly iss: string }
  | { readonly error: string; readonly error_description: string }
)

/** What comes of a visit to the popup's address. */
export type PopupVisit =
  /** It begins: the browser goes to the authorize endpoint. */
  | { readonly kind: 'start'; readonly location: string }
  /** It ends: this is posted to this one origin. */
  | { readonly kind: 'end'; readonly origin: string; readonly message: PopupMessage }

export interface PopupParts {
  readonly config: BrokerContext['config']
  readonly resources: readonly BrokerResource[]
}

/**
 * Reads a visit to the popup. It begins with the web UI's origin, its state and code challenge, and
 * what resource it is for (none: the first), and ends with the answer of the authorize endpoint.
 *
 * Not checked: whether that origin opened it. Whoever did learns nothing, since the answer is posted
 * to that origin alone.
 *
 * @param query as it came
 * @throws ErrorAnswer for a page
 */
export function readPopupVisit(query: string, { config, resources }: PopupParts): PopupVisit {
  const parameters = readParameters(query, {
    from: 'address',
    repeatable: ['resource'],
    keepsEmpty: true,
  })
  const origin = parameters.get('origin') ?? ''
  if (!config.sign_in.popup_origins.includes(origin)) throw originRefused()
  if (parameters.has('code') || parameters.has('error')) {
    return { kind: 'end', origin, message: messageOf(parameters) }
  }
  const [name] = resourceIndicators(
    config,
    resources.map(({ resource }) => resource),
  ).meantBy(parameters.all('resource'))
  const resource = resources.find((served) => served.resource.name === name)
  if (!resource) throw new Error(`there is no resource ${name}`)
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: popupClientId(origin),
    redirect_uri: popupRedirectUri(origin, config),
    state: given('state', parameters),
    code_challenge: given('code_challenge', parameters),
    code_challenge_method: 'S256',
    resource: resource.url,
  })
  return { kind: 'start', location: `${resource.authorizeUrl}?${request}` }
}

function messageOf(parameters: OAuthParameters): PopupMessage {
  const of = { type: 'rolecall', state: given('state', parameters) } as const
  const error = parameters.get('error')
  if (error === undefined) {
    return { ...of, code: given('code', parameters), iss: given('iss', parameters) }
  }
  const description = parameters.get('error_description') ?? 'The sign-in did not work.'
  return { ...of, error, error_description: description }
}

function given(name: string, parameters: OAuthParameters): string {
  return required(parameters, name, 'begin the sign-in again')
}

function originRefused(): ErrorAnswer {
  return new ErrorAnswer({
    status: 403,
    error: 'origin_not_allowed',
    description:
      'The page that opened this window is not one that people may sign in from; the operator of this server can add its origin to `sign_in.popup_origins`.',
  })
}
