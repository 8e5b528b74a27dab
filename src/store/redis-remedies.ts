/** What a user at the server must be allowed, as its access lists write it. */
export const REDIS_RIGHTS = [
  '~rolecall:*',
  '+get',
  '+set',
  '+del',
  '+pexpire',
  '+xadd',
  '+xread',
  '+zadd',
  '+zrem',
  '+zscan',
  '+zremrangebyscore',
  '+zremrangebyrank',
] as const

const address =
  'Check that redis_url of [store] has the right name and port, that the server runs, and that network policies let rolecall reach it.'
const scheme =
  'redis_url of [store] and the server differ in TLS: write rediss:// where the server speaks TLS (Azure: port 6380 or 10000), redis:// where it does not.'
const trust =
  'Write the host of redis_url as the certificate of the server names it. A certificate authority of your own goes into the environment variable NODE_EXTRA_CA_CERTS, the path of a PEM file, before the start.'
const login =
  'Write the user into redis_username and the password or access key into redis_password (or redis_password_file) of [store], as they are, without encoding.'
const writable =
  'redis_url of [store] leads to a replica, which takes no writes: let it lead to the primary.'
const oneServer =
  'This is a node of a Redis Cluster, and rolecall speaks to one server: use one without clustering (Azure Managed Redis: clustering policy "Enterprise" or non-clustered).'
const starting =
  'The server is starting and still loads its data. Wait for it; nothing is to be changed.'

const remedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: `Nothing listens there. ${address}`,
  ENOTFOUND:
    'There is no such host name: correct the one in redis_url of [store], or the DNS of this machine.',
  EAI_AGAIN:
    'The name server does not answer: check the DNS of this machine, and the host name in redis_url of [store].',
  ETIMEDOUT: `No connection came about in time. ${address} ${scheme}`,
  EHOSTUNREACH: `There is no route to it. ${address}`,
  ENETUNREACH: `There is no route to it. ${address}`,
  ECONNRESET: `The server closed the connection. ${scheme}`,
  EPIPE: `The server closed the connection. ${scheme}`,
  disconnected: `The server closed the connection. ${scheme}`,
  timeout:
    'The server took the connection and does not answer within a second: it hangs, or is too far away or too busy.',
  not_redis: `What answers there is no Redis, or speaks TLS. ${scheme}`,
  ERR_SSL_WRONG_VERSION_NUMBER: `What answers there speaks no TLS. ${scheme}`,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: `What answers there speaks no TLS. ${scheme}`,
  EPROTO: `What answers there speaks no TLS. ${scheme}`,
  CERT_HAS_EXPIRED: 'Renew the certificate of the server, or correct the clock of this machine.',
  NOAUTH: `The server wants a login. ${login}`,
  WRONGPASS: `The server refuses this user or password. ${login}`,
  NOUSERS:
    'This server is older than Redis 6 and knows passwords only: remove redis_username, or the user in redis_url of [store].',
  NOPERM: `Give that user of the server these rights: ${REDIS_RIGHTS.join(' ')}.`,
  READONLY: writable,
  MASTERDOWN: `The server is a replica that has lost its primary. ${writable}`,
  LOADING: starting,
  MOVED: oneServer,
  ASK: oneServer,
  CROSSSLOT: oneServer,
  CLUSTERDOWN: oneServer,
  TRYAGAIN: oneServer,
  CLUSTERMODE: `A Redis Cluster has database 0 alone: remove the number at the end of redis_url of [store]. ${oneServer}`,
  MAXCLIENTS:
    'The server has as many clients as it may (maxclients): raise that, or give rolecall a server of its own.',
  OOM: 'The server is out of memory (maxmemory): give it more, or give rolecall a server of its own.',
  MISCONF: 'The server cannot write to its disk and refuses writes; its log says more.',
  NOREPLICAS:
    'The server has too few replicas to take writes (min-replicas-to-write): restore them.',
  ERR: 'Check that the database at the end of redis_url of [store] exists; 0 always does.',
}

/**
 * What an operator does about a Redis that cannot be used.
 *
 * @param reason one word, as {@link StoreUnavailable} has it
 */
export function redisRemedy(reason: string): string {
  return remedies[reason] ?? (/CERT|TLS|SSL|ALTNAME|VERIFY/.test(reason) ? trust : address)
}
