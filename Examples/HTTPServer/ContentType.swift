/// The media type of a file, by its name.
func contentType(_ name: Substring) -> String {
  guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return "application/octet-stream" }
  return switch name[name.index(after: dot)...].lowercased() {
  case "html", "htm": "text/html; charset=utf-8"
  case "css": "text/css; charset=utf-8"
  case "js", "mjs": "text/javascript; charset=utf-8"
  case "txt", "md", "swift", "c", "h": "text/plain; charset=utf-8"
  case "csv": "text/csv; charset=utf-8"
  case "json", "map": "application/json"
  case "xml": "application/xml"
  case "pdf": "application/pdf"
  case "wasm": "application/wasm"
  case "zip": "application/zip"
  case "gz", "tgz": "application/gzip"
  case "svg": "image/svg+xml"
  case "png": "image/png"
  case "jpg", "jpeg": "image/jpeg"
  case "gif": "image/gif"
  case "webp": "image/webp"
  case "ico": "image/x-icon"
  case "woff2": "font/woff2"
  case "mp3": "audio/mpeg"
  case "mp4": "video/mp4"
  default: "application/octet-stream"
  }
}
