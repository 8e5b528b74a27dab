import { aksServerId } from '../../environment/mock-entra/directory.ts'
import type { Failure } from '../../environment/mock-entra/state.ts'
import { codeFor, codeForm, postToken } from '../../support/relay-gateway.ts'
import type { BrokenSetUp, FaultGroup } from '../set-up.ts'
import type { Changes } from '../world.ts'

/** Somebody signs in by relay; `code` is what Entra then says. */
function row(
  fault: string,
  serve: RegExp,
  code?: Failure['code'],
  changes: Changes = {},
): BrokenSetUp {
  return {
    fault,
    named: { serve },
    exit: 0,
    async build(world) {
      const entra = await world.entra()
      const file = await world.relay(entra, changes)
      const origin = `http://${String(file['listen']).replace('127.0.0.1', 'localhost')}`
      return {
        file,
        async visit() {
          const scope = (changes.resource?.['request_scopes'] as string[] | undefined)?.join(' ')
          const asked = await codeFor(entra, 'alice', scope === undefined ? {} : { scope })
          if (code !== undefined) entra.fail({ at: 'token', code })
          await postToken({ origin }, codeForm(asked))
        },
      }
    },
  }
}

/** What only the sign-in of a person shows: a line of level warn, with the remedy. */
export const signInFaults: FaultGroup = {
  title: "At somebody's sign-in",
  rows: [
    row('Nobody consented to what the app asks for', /consented.*AADSTS65001/s, 65001),
    row('The permission for AKS is not on the app', /lacks the permission.*AADSTS650057/s, 650057),
    row(
      'The tenant has no AKS server application',
      /does not have the application.*az ad sp create.*AADSTS500011/s,
      500011,
    ),
    row('The user is not assigned to the app', /not assigned.*AADSTS50105/s, 50105),
    row(
      'The redirect URI is registered for a single-page app',
      /single-page app.*platform Web.*AADSTS9002327/s,
      9002327,
    ),
    row('A policy of Conditional Access blocks the sign-in', /polic.*AADSTS53003/s, 53003),
    row(
      'request_scopes are those of another API than audiences',
      /not for this server.*audience/s,
      undefined,
      { resource: { request_scopes: ['api://rolecall/mcp.access', 'openid', 'offline_access'] } },
    ),
    row(
      'required_scopes ask for a permission that tokens do not have',
      /pods\.read|scope/,
      undefined,
      { resource: { required_scopes: ['pods.read'], audiences: [aksServerId] } },
    ),
  ],
}
