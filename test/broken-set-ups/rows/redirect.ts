import { type Client, holmes } from '../../environment/mock-entra/directory.ts'
import type { FaultGroup } from '../set-up.ts'
import { oidcSetUp } from './credential.ts'

/** holmes, known at other addresses only. */
function elsewhere(...uris: readonly string[]): readonly Client[] {
  return [{ ...holmes, redirect_uris: uris.map((uri) => ({ uri, platform: 'web' as const })) }]
}

/** Where the provider sends browsers back to, and what it is asked for there. */
export const redirectFaults: FaultGroup = {
  title: 'Redirect URIs and scopes',
  rows: [
    {
      fault: 'The callback of rolecall is not registered (broker)',
      named: { doctor: /redirect URI: .*\/oauth\/callback \(AADSTS50011\).*platform Web/s },
      async build(world) {
        const entra = await world.entra({ clients: elsewhere('https://other.example/callback') })
        return { file: await world.broker(entra) }
      },
    },
    {
      fault: 'The callback of the Robusta UI is not registered (relay)',
      named: { doctor: /redirect URI: .*platform\.robusta\.dev.*AADSTS50011.*letter for letter/s },
      async build(world) {
        const entra = await world.entra({ clients: elsewhere('https://other.example/callback') })
        return { file: await world.relay(entra) }
      },
    },
    {
      fault: 'The callback is registered with a slash at its end',
      named: { doctor: /redirect URI: .*\/oauth\/callback \(AADSTS50011\)/ },
      async build(world) {
        const entra = await world.entra({ clients: elsewhere('http://localhost/oauth/callback/') })
        return { file: await world.broker(entra) }
      },
    },
    {
      fault: 'request_scopes mix /.default with single permissions',
      named: { doctor: /redirect URI: .*AADSTS70011.*request_scopes/s },
      async build(world) {
        const entra = await world.entra()
        const aks = '6dae42f8-4368-4678-94ff-3960e28e3630'
        const request_scopes = [`${aks}/.default`, `${aks}/user.read`, 'offline_access']
        return { file: await world.relay(entra, { resource: { request_scopes } }) }
      },
    },
    {
      fault: 'The callback is not registered at another provider than Entra',
      named: { doctor: /redirect URI: The provider does not know .*\/oauth\/callback.*letter/s },
      build: (world) =>
        oidcSetUp(world, {}, { client: { redirect_uris: ['http://localhost/elsewhere'] } }),
    },
  ],
}
