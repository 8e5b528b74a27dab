/**
 * What the program uses of undici, in place of the package's own index: that loads its mocks, caches,
 * cookies, WebSockets and more with the first import. Here a name that is used and is not listed ends
 * the build.
 */
import api from 'undici/lib/api/index.js'
import buildConnector from 'undici/lib/core/connect.js'
import errors from 'undici/lib/core/errors.js'
import Agent from 'undici/lib/dispatcher/agent.js'
import Client from 'undici/lib/dispatcher/client.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import web from 'undici/lib/web/fetch/index.js'

Object.assign(Dispatcher.prototype, api) // as its index does: `agent.request` and the like

const { fetch } = web

export { Agent, buildConnector, Client, Dispatcher, EnvHttpProxyAgent, errors, fetch, Pool }
