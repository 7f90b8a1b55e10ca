//! Sends spans to an OpenTelemetry collector, over OTLP/HTTP with protobuf.

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use std::time::Duration;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// Settings for the address of the collector (OpenTelemetry, "OTLP Exporter Configuration").
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// Timeout for the collector, which a separate thread talks to.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout for sending the last spans at shutdown.
const LAST: Duration = Duration::from_secs(1);

/// The connection to the collector.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Prepares the exporter if an endpoint is set. The exporter reads the address itself.
    pub fn start() -> Result<Option<Self>, ExporterBuildError> {
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !ENDPOINTS.iter().any(is_set) {
            return Ok(None);
        }
        let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
        let agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).tls_config(tls).build().into();
        let exporter = SpanExporter::builder().with_http().with_http_client(Blocking(agent)).build()?;
        let resource = Resource::builder().with_service_name("latchkey").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Some(Self { provider }))
    }

    /// The layer that exports our spans.
    pub fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> OpenTelemetryLayer<S, Tracer> {
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer("latchkey"))
    }

    /// Sends the remaining spans.
    pub fn stop(self) {
        if let Err(cause) = self.provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%cause, "last traces not sent");
        }
    }
}

/// A blocking client: a dedicated thread sends the batches.
#[derive(Debug)]
struct Blocking(ureq::Agent);

#[async_trait]
impl HttpClient for Blocking {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut response = self.0.run(request.map(|body| body.to_vec()))?;
        let body = Bytes::from(response.body_mut().read_to_vec()?);
        Ok(response.map(|_| body))
    }
}
