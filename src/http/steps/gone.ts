import type { Identity } from '../../access/identity.ts'
import type { Who } from '../../observe/record.ts'

/** What log lines say of a person; from a token whose signature held. */
export function whoOf(identity: Identity): Who {
  const { iss, sub, oid, tid, user, azp, tokenId } = identity
  return {
    iss,
    sub,
    user,
    token_id: tokenId,
    ...(oid === undefined ? {} : { oid }),
    ...(tid === undefined ? {} : { tid }),
    ...(azp === undefined ? {} : { azp }),
  }
}
