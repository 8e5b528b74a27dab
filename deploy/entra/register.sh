#!/usr/bin/env bash
# Registers rolecall in Microsoft Entra ID, and prints the values file for its chart.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: deploy/entra/register.sh --mode relay|broker|off [options] > values.yaml

Looks at what there is and says what is missing; with --apply it does it. Running it again changes
nothing that is right already. Needs the Azure CLI, signed in (az login) as somebody who may register
applications and consent for the tenant; with a client secret also kubectl.

  --mode MODE               relay: HolmesGPT with the Robusta UI, no ingress
                            broker: every MCP client; needs --public-url
                            off: clients bring a token; nothing is registered
  --apply                   do it
  --name NAME               of the app registration (default: rolecall)
  --region us|eu|ap         of the Robusta UI, relay (default: us)
  --registry NAME           of the image: NAME.azurecr.io
  --public-url URL          https://mcp.example.com, broker and off
  --credential KIND         secret (default) or workload-identity
  --cluster GROUP/NAME      the AKS cluster, for its OIDC issuer: workload-identity
  --namespace NAMESPACE     of rolecall (default: holmes in relay, else rolecall)
  --service-account NAME    of rolecall (default: rolecall)
  --assign OBJECT_ID        only this user or group may sign in; may be repeated
  --groups-claim            groups in tokens for this registration itself (AKS tokens have them anyway)
  --help
USAGE
}

readonly AKS_SERVER='6dae42f8-4368-4678-94ff-3960e28e3630' GRAPH='00000003-0000-0000-c000-000000000000'
readonly ANY_ROLE='00000000-0000-0000-0000-000000000000' CREDENTIAL_NAME='rolecall'
presets="$(cd "$(dirname "${BASH_SOURCE[0]}")/../presets" && pwd)"
readonly presets

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
wrong() { say "error: $*"; exit 2; }

# Changes go through here: told first, done only with --apply.
change() {
  local what="$1"
  shift
  changes=$((changes + 1))
  if [[ $apply == no ]]; then
    say "would $what"
    return 0
  fi
  say "$what"
  "$@" > /dev/null || die "could not $what; the lines above say why. Nothing after it was done."
}

# Without a value: an empty text. "None" is how the Azure CLI writes null as tsv.
ask() {
  local answer
  answer="$(az "$@" --output tsv)" || die "az $1 $2 failed; the lines above say why"
  [[ $answer == None ]] && answer=''
  printf '%s' "$answer"
}

# As ask, for what need not be there.
look_for() {
  local answer
  answer="$(az "$@" --output tsv 2> /dev/null)" || answer=''
  [[ $answer == None ]] && answer=''
  printf '%s' "$answer"
}

read_arguments() {
  mode='' apply=no name=rolecall region=us public_url='' credential=secret registry='' cluster='' namespace=''
  service_account=rolecall groups_claim=no assigned=() changes=0
  while (($# > 0)); do
    case "$1" in
      --apply) apply=yes ;;
      --groups-claim) groups_claim=yes ;;
      --help) usage; exit 0 ;;
      --mode | --name | --region | --registry | --public-url | --credential | --cluster | --namespace | --service-account | --assign)
        (($# > 1)) || wrong "$1 needs a value"
        case "$1" in
          --mode) mode="$2" ;;
          --name) name="$2" ;;
          --region) region="$2" ;;
          --registry) registry="${2%.azurecr.io}" ;;
          --public-url) public_url="${2%/}" ;;
          --credential) credential="$2" ;;
          --cluster) cluster="$2" ;;
          --namespace) namespace="$2" ;;
          --service-account) service_account="$2" ;;
          --assign) assigned+=("$2") ;;
        esac
        shift ;;
      *) usage >&2; wrong "$1 is no option" ;;
    esac
    shift
  done
  case "$mode" in
    relay) namespace="${namespace:-holmes}" ;;
    broker | off) namespace="${namespace:-rolecall}" ;;
    '') usage >&2; wrong '--mode is missing: relay, broker or off' ;;
    *) wrong "--mode $mode is none: relay, broker or off" ;;
  esac
  if [[ $mode != relay && ! $public_url =~ ^https://[^/]+$ ]]; then
    wrong "--public-url is \"$public_url\": write the origin that people reach, such as https://mcp.example.com"
  fi
  case "$credential" in
    secret) ;;
    workload-identity)
      [[ $mode == off || $cluster == */* ]] || wrong '--cluster is missing: write it as RESOURCE_GROUP/NAME' ;;
    *) wrong "--credential $credential is none: secret or workload-identity" ;;
  esac
  case "$region" in
    us) region_host=platform.robusta.dev ;;
    eu | ap) region_host="platform.$region.robusta.dev" ;;
    *) wrong "--region $region is none: us, eu or ap" ;;
  esac
  redirect_uri="https://$region_host/oauth/callback.html"
  [[ $mode == relay ]] || redirect_uri="$public_url/oauth/callback"
}

# The registration and where people come back to.
ensure_registration() {
  local found
  found="$(ask ad app list --filter "displayName eq '$name'" --query '[].appId')"
  [[ $found != *$'\n'* ]] || die "several registrations are called $name: choose another --name, or remove one"
  client_id="$found"
  if [[ -z $client_id ]]; then
    change "register the application $name with the redirect URI $redirect_uri" \
      az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --web-redirect-uris "$redirect_uri"
    [[ $apply == no ]] || client_id="$(ask ad app list --filter "displayName eq '$name'" --query '[].appId')"
    return 0
  fi
  local registered elsewhere
  elsewhere="$(ask ad app show --id "$client_id" --query '[spa.redirectUris, publicClient.redirectUris][]')"
  if grep -qxF "$redirect_uri" <<< "$elsewhere"; then
    die "$redirect_uri is registered under another platform than Web, where Entra refuses rolecall's credential (AADSTS9002327): remove it there (Authentication), and run this again"
  fi
  registered="$(ask ad app show --id "$client_id" --query 'web.redirectUris[]')"
  if ! grep -qxF "$redirect_uri" <<< "$registered"; then
    local uris=()
    [[ -z $registered ]] || mapfile -t uris <<< "$registered"
    change "add the redirect URI $redirect_uri" \
      az ad app update --id "$client_id" --web-redirect-uris "${uris[@]}" "$redirect_uri"
  fi
}

ensure_service_principals() {
  if [[ -z $(look_for ad sp show --id "$AKS_SERVER" --query appId) ]]; then
    change 'add the application Azure Kubernetes Service AAD Server to the tenant' az ad sp create --id "$AKS_SERVER"
  fi
  if [[ -z $client_id || -z $(look_for ad sp show --id "$client_id" --query appId) ]]; then
    change "add the application $name to the tenant" az ad sp create --id "$client_id"
  fi
}

# Delegated permissions, and the tenant's consent to them, so that nobody is asked one by one.
ensure_permissions() {
  ensure_permission "$AKS_SERVER" 'Azure Kubernetes Service AAD Server' user.read
  ensure_permission "$GRAPH" 'Microsoft Graph' openid profile email offline_access
}

ensure_permission() {
  local api="$1" api_name="$2" held='' granted='' published resource scope id missing=()
  shift 2
  # One line for each permission: its name and its id.
  published="$(look_for ad sp show --id "$api" --query 'oauth2PermissionScopes[].[value, id]')"
  if [[ -n $client_id ]]; then
    held="$(ask ad app permission list --id "$client_id" --query "[?resourceAppId=='$api'].resourceAccess[].id")"
    resource="$(look_for ad sp show --id "$api" --query id)"
    [[ -z $resource ]] ||
      granted="$(look_for ad app permission list-grants --id "$client_id" --query "[?resourceId=='$resource' && consentType=='AllPrincipals'].scope | join(' ', @)")"
  fi
  for scope in "$@"; do
    id="$(awk -F'\t' -v scope="$scope" '$1 == scope { print $2 }' <<< "$published")"
    if [[ -z $id || -z $client_id ]] || ! grep -qxF "$id" <<< "$held"; then
      [[ -n $id || $apply == no ]] || die "$api_name has no permission $scope"
      change "add the delegated permission $scope of $api_name" \
        az ad app permission add --id "$client_id" --api "$api" --api-permissions "$id=Scope"
    fi
    [[ " $granted " == *" $scope "* ]] || missing+=("$scope")
  done
  if ((${#missing[@]} > 0)); then
    change "consent to $* of $api_name for the whole tenant" \
      az ad app permission grant --id "$client_id" --api "$api" --scope "$*"
  fi
}

ensure_credential() {
  if [[ $credential == secret ]]; then ensure_secret; else ensure_federation; fi
}

# The secret goes from one program to the other: never shown, in no file, in no argument.
store_secret() {
  az ad app credential reset --id "$client_id" --append --display-name "$CREDENTIAL_NAME" --years 1 --query password --output tsv |
    tr -d '\r\n' |
    kubectl --namespace "$namespace" create secret generic rolecall-client --from-file=client-secret=/dev/stdin --dry-run=client --output yaml |
    kubectl --namespace "$namespace" apply --filename -
}

ensure_secret() {
  local ends='' soon
  soon="$(date --utc --date '+30 days' '+%Y-%m-%dT%H:%M:%SZ' 2> /dev/null || date -u -v+30d '+%Y-%m-%dT%H:%M:%SZ')"
  [[ -z $client_id ]] ||
    ends="$(ask ad app credential list --id "$client_id" --query "max([?displayName=='$CREDENTIAL_NAME'].endDateTime)")"
  if [[ $ends > $soon ]] && kubectl --namespace "$namespace" get secret rolecall-client > /dev/null 2>&1; then
    say "the client secret is good until $ends"
    return 0
  fi
  change "make a client secret for a year, into the Secret rolecall-client of namespace $namespace in $(kubectl config current-context 2> /dev/null || echo 'the cluster of kubectl')" store_secret
}

ensure_federation() {
  local issuer subject found federation
  issuer="$(ask aks show --resource-group "${cluster%%/*}" --name "${cluster#*/}" --query oidcIssuerProfile.issuerUrl)"
  [[ -n $issuer ]] || die "the cluster $cluster has no OIDC issuer: az aks update --resource-group ${cluster%%/*} --name ${cluster#*/} --enable-oidc-issuer"
  subject="system:serviceaccount:$namespace:$service_account"
  federation="$(printf '{"name":"%s","issuer":"%s","subject":"%s","audiences":["%s"]}' "$CREDENTIAL_NAME" "$issuer" "$subject" "$(federation_audience)")"
  found=''
  [[ -z $client_id ]] ||
    found="$(ask ad app federated-credential list --id "$client_id" --query "[?name=='$CREDENTIAL_NAME'].join(' ', [issuer, subject, audiences[0]]) | [0]")"
  [[ $found == "$issuer $subject $(federation_audience)" ]] && return 0
  if [[ -z $found ]]; then
    change "trust tokens of $subject from $issuer" \
      az ad app federated-credential create --id "$client_id" --parameters "$federation"
  else
    change "trust tokens of $subject from $issuer, no longer of \"$found\"" \
      az ad app federated-credential update --id "$client_id" --federated-credential-id "$CREDENTIAL_NAME" --parameters "$federation"
  fi
}

federation_audience() {
  case "$(ask cloud show --query name)" in
    AzureUSGovernment) echo api://AzureADTokenExchangeUSGov ;;
    AzureChinaCloud) echo api://AzureADTokenExchangeChina ;;
    *) echo api://AzureADTokenExchange ;;
  esac
}

ensure_groups_claim() {
  [[ $groups_claim == yes ]] || return 0
  local current=''
  [[ -z $client_id ]] || current="$(ask ad app show --id "$client_id" --query groupMembershipClaims)"
  [[ $current == SecurityGroup ]] ||
    change 'put security groups into tokens' az ad app update --id "$client_id" --set groupMembershipClaims=SecurityGroup
}

# With an assignment only those who are named may sign in; without any, the whole tenant may, and the
# cluster's RBAC decides what each may do.
ensure_assignments() {
  ((${#assigned[@]} > 0)) || return 0
  local graph principal required='' present='' who
  graph="$(ask cloud show --query endpoints.microsoftGraphResourceId)"
  graph="${graph%/}/v1.0/servicePrincipals"
  principal=''
  [[ -z $client_id ]] || principal="$(look_for ad sp show --id "$client_id" --query id)"
  if [[ -n $principal ]]; then
    required="$(ask ad sp show --id "$client_id" --query appRoleAssignmentRequired)"
    present="$(ask rest --method GET --url "$graph/$principal/appRoleAssignedTo" --query 'value[].principalId')"
  fi
  [[ $required == true ]] ||
    change 'let only those sign in who are assigned' az ad sp update --id "$client_id" --set appRoleAssignmentRequired=true
  for who in "${assigned[@]}"; do
    grep -qxF "$who" <<< "$present" && continue
    change "assign $who" az rest --method POST --url "$graph/$principal/appRoleAssignedTo" \
      --headers 'Content-Type=application/json' \
      --body "$(printf '{"principalId":"%s","resourceId":"%s","appRoleId":"%s"}' "$who" "$principal" "$ANY_ROLE")"
  done
}

print_values() {
  local preset="$presets/aks-robusta-$mode-$credential.yaml"
  [[ $mode == off ]] && preset="$presets/bring-your-own-token.yaml"
  printf '# Printed by deploy/entra/register.sh for the application %s.\n' "$name"
  sed -e '1,/^config:/{/^#/d}' -e "s#<TENANT_ID>#$tenant_id#" -e "s#<CLIENT_ID>#${client_id:-<CLIENT_ID>}#" \
    -e "s#<MCP_HOST>#${public_url#https://}#" -e "s#<REGISTRY>#${registry:-<REGISTRY>}#" \
    -e "s#^\(    redirect_uris: \)\[\"https://platform\.robusta\.dev/[^]]*\]#\1[\"$redirect_uri\"]#" "$preset"
}

main() {
  read_arguments "$@"
  command -v az > /dev/null || die 'az is not here: install the Azure CLI, and sign in with "az login"'
  tenant_id="$(ask account show --query tenantId)"
  client_id=''
  say "tenant $tenant_id"
  if [[ $mode != off ]]; then
    ensure_registration
    ensure_service_principals
    ensure_permissions
    ensure_credential
    ensure_groups_claim
    ensure_assignments
  fi
  if ((changes == 0)); then
    say 'everything is as it should be'
  elif [[ $apply == no ]]; then
    say "nothing was changed; $changes changes are to be made: run it again with --apply"
  fi
  print_values
}

main "$@"
