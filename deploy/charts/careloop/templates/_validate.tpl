{{/* Values that cannot work are refused with a sentence, before anything is installed. */}}
{{- define "careloop.validate" -}}
{{- $v := .Values -}}
{{- range $name, $service := $v.services -}}
{{- if gt (int $service.replicas) (int $v.partitions) -}}
{{- fail (printf "services.%s.replicas is %d, and there are %d partitions: more replicas than partitions have nothing to consume. Lower it to %d." $name (int $service.replicas) (int $v.partitions) (int $v.partitions)) -}}
{{- end -}}
{{- if lt (int $service.replicas) 1 -}}
{{- fail (printf "services.%s.replicas is %d: without it facts wait unheard and nobody is paged. Set 1 or more." $name (int $service.replicas)) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $v.postgres.mode "existing") (not $v.postgres.host) -}}
{{- fail "postgres.host is empty: set it to your server, or postgres.mode to cloudnativepg." -}}
{{- end -}}
{{- if and (eq $v.kafka.mode "existing") (not $v.kafka.bootstrap) -}}
{{- fail "kafka.bootstrap is empty: set it to your brokers as host:port, or kafka.mode to strimzi." -}}
{{- end -}}
{{- if and (eq $v.postgres.mode "cloudnativepg") (eq $v.migrations.run "hook") -}}
{{- fail "migrations.run is hook, and a hook runs before the database of postgres.mode cloudnativepg exists. Set migrations.run to job." -}}
{{- end -}}
{{- if and (eq $v.kafka.mode "strimzi") (ne $v.kafka.securityProtocol "SASL_SSL") -}}
{{- fail (printf "kafka.securityProtocol is %s: the users that Strimzi makes here come in by SASL_SSL. Set that." $v.kafka.securityProtocol) -}}
{{- end -}}
{{- if and (eq $v.kafka.securityProtocol "SASL_PLAINTEXT") (eq $v.kafka.saslMechanism "PLAIN") -}}
{{- fail "kafka.saslMechanism PLAIN with SASL_PLAINTEXT shows the password to the network. Set SASL_SSL, or a SCRAM mechanism." -}}
{{- end -}}
{{- if and $v.postgres.perService (ne $v.postgres.mode "existing") -}}
{{- fail "postgres.perService goes with postgres.mode existing: CloudNativePG makes one server for all here. Set that, or leave perService empty." -}}
{{- end -}}
{{- if and $v.externalSecrets.enabled (not $v.externalSecrets.storeRef.name) -}}
{{- fail "externalSecrets.storeRef.name is empty: set it to your SecretStore or ClusterSecretStore." -}}
{{- end -}}
{{- if and $v.externalSecrets.enabled (eq $v.migrations.run "hook") -}}
{{- fail "migrations.run is hook, and a hook runs before the secrets of externalSecrets exist. Set migrations.run to job." -}}
{{- end -}}
{{- if and $v.routes.grpcRoute.enabled (or (not $v.routes.grpcRoute.parentRefs) (not $v.routes.grpcRoute.domain)) -}}
{{- fail "routes.grpcRoute needs parentRefs, the gateway that takes the calls, and domain, under which each service has a name. Set both." -}}
{{- end -}}
{{- if and $v.routes.ingress.enabled (or (not $v.routes.ingress.className) (not $v.routes.ingress.domain) (not $v.routes.ingress.tlsSecret)) -}}
{{- fail "routes.ingress needs className, domain and tlsSecret: calls carry tokens, and are not let in unencrypted. Set them." -}}
{{- end -}}
{{- if and $v.autoscaling.enabled $v.keda.enabled -}}
{{- fail "autoscaling.enabled and keda.enabled would both set the replicas. Enable one of them." -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.maxReplicas) (int $v.partitions)) -}}
{{- fail (printf "autoscaling.maxReplicas is above the %d partitions. Lower it." (int $v.partitions)) -}}
{{- end -}}
{{- if and $v.keda.enabled (gt (int $v.keda.maxReplicas) (int $v.partitions)) -}}
{{- fail (printf "keda.maxReplicas is above the %d partitions. Lower it." (int $v.partitions)) -}}
{{- end -}}
{{- if and $v.keda.enabled (not $v.keda.prometheusAddress) -}}
{{- fail "keda.prometheusAddress is empty: KEDA reads the lag from Prometheus. Set its address." -}}
{{- end -}}
{{- if lt (int $v.shutdown.graceSeconds) 11 -}}
{{- fail (printf "shutdown.graceSeconds is %d: a call may take 10 s. Set 11 or more." (int $v.shutdown.graceSeconds)) -}}
{{- end -}}
{{- end }}
