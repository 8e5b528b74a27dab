import type { Broker } from '../../sign-in/broker.ts'
import type { RegistrationEndpoint } from './register.ts'
import type { RevocationEndpoint } from './revoke.ts'
import type { TokenEndpoint } from './token.ts'

/** What a configuration's sign-in mode serves below `/oauth`. */
export interface SignInEndpoints {
  readonly tokenEndpoints: readonly TokenEndpoint[]
  /** Mode broker. */
  readonly revocationEndpoints: readonly RevocationEndpoint[]
  /** Mode broker, where clients may register themselves. */
  readonly registrationEndpoints: readonly RegistrationEndpoint[]
  /** Mode broker. */
  readonly broker?: Broker
}
