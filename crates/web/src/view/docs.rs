//! Documentation: the index and the API reference, made from the OpenAPI document that the code gives out.

use super::Site;
use askama::Template;
use serde_json::{Map, Value, json};

/// `GET /docs`.
#[derive(Debug, Clone, Template)]
#[template(path = "docs/index.html")]
pub struct IndexPage {
    pub site: Site,
    pub is_logged_in: bool,
    /// The public URL, without a slash at its end.
    pub public_url: String,
}

/// `GET /docs/api`.
#[derive(Debug, Clone, Template)]
#[template(path = "docs/api.html")]
pub struct ApiPage {
    pub site: Site,
    pub is_logged_in: bool,
    public_url: String,
    version: String,
    tags: Vec<Tag>,
    objects: Vec<Object>,
}

#[derive(Debug, Clone)]
struct Tag {
    name: String,
    id: String,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<Field>,
    body: Vec<Field>,
    answers: Vec<Answer>,
    curl: String,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    kind: Kind,
    is_required: bool,
    text: String,
}

/// A type in words, with the object it leads to.
#[derive(Debug, Clone)]
struct Kind {
    text: String,
    object: Option<String>,
}

#[derive(Debug, Clone)]
struct Answer {
    status: String,
    text: String,
    kind: Option<Kind>,
}

#[derive(Debug, Clone)]
struct Object {
    id: String,
    name: String,
    text: String,
    fields: Vec<Field>,
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

impl ApiPage {
    /// `document` is OpenAPI 3.1; what it lacks is left out, never an error. `public_url` has no slash at its end.
    pub fn new(site: Site, is_logged_in: bool, public_url: &str, document: &Value) -> Self {
        let reader = Reader { document };
        let mut tags: Vec<Tag> = Vec::new();
        for (path, item) in object(document.get("paths")) {
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                let name = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("Other");
                let operation = reader.operation(method, path, item, operation, public_url);
                if let Some(tag) = tags.iter_mut().find(|tag| tag.name == name) {
                    tag.operations.push(operation);
                } else {
                    let id = format!("tag-{}", anchor(name));
                    tags.push(Tag { name: name.to_owned(), id, operations: vec![operation] });
                }
            }
        }
        let objects = object(document.pointer("/components/schemas"))
            .map(|(name, schema)| Object {
                id: object_id(name),
                name: name.clone(),
                text: text(schema, "description"),
                fields: reader.fields(schema),
            })
            .collect();
        let version =
            document.pointer("/info/version").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { site, is_logged_in, public_url: public_url.to_owned(), version, tags, objects }
    }
}

struct Reader<'a> {
    document: &'a Value,
}

impl Reader<'_> {
    fn operation(
        &self,
        method: &str,
        path: &str,
        item: &Value,
        operation: &Value,
        public_url: &str,
    ) -> Operation {
        let schema =
            operation.pointer("/requestBody/content").and_then(|content| object(Some(content)).next());
        let body = schema.and_then(|(_, content)| content.get("schema"));
        let shared = item.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let own = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
        Operation {
            id: anchor(&format!("{method}-{path}")),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary"),
            description: text(operation, "description"),
            parameters: shared.chain(own).map(|parameter| self.parameter(parameter)).collect(),
            body: body.map(|schema| self.fields(schema)).unwrap_or_default(),
            answers: object(operation.get("responses"))
                .map(|(status, answer)| self.answer(status, answer))
                .collect(),
            curl: self.curl(method, &format!("{public_url}{path}"), body),
        }
    }

    fn parameter(&self, parameter: &Value) -> Field {
        let parameter = self.resolve(parameter);
        let place = text(parameter, "in");
        let note = text(parameter, "description");
        Field {
            name: text(parameter, "name"),
            kind: parameter.get("schema").map_or_else(|| plain("string"), |schema| self.kind(schema)),
            is_required: parameter.get("required").and_then(Value::as_bool).unwrap_or(false),
            text: if note.is_empty() {
                format!("In the {place}.")
            } else {
                format!("In the {place}. {note}")
            },
        }
    }

    fn answer(&self, status: &str, answer: &Value) -> Answer {
        let answer = self.resolve(answer);
        let content = answer.get("content").and_then(|content| object(Some(content)).next());
        Answer {
            status: status.to_owned(),
            text: text(answer, "description"),
            kind: content.and_then(|(_, content)| content.get("schema")).map(|schema| self.kind(schema)),
        }
    }

    /// The fields of an object, those of `allOf` parts included; empty for everything else.
    fn fields(&self, schema: &Value) -> Vec<Field> {
        let schema = self.resolve(schema);
        let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        let mut fields: Vec<Field> = parts.flat_map(|part| self.fields(part)).collect();
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        fields.extend(object(schema.get("properties")).map(|(name, property)| Field {
            name: name.clone(),
            kind: self.kind(property),
            is_required: required.contains(&name.as_str()),
            text: text(property, "description"),
        }));
        fields
    }

    fn kind(&self, schema: &Value) -> Kind {
        if let Some(name) = reference(schema) {
            let words = self.resolve(schema).get("enum").map(one_of);
            return words.map_or_else(
                || Kind { text: name.to_owned(), object: Some(object_id(name)) },
                |text| plain(&text),
            );
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            if let Some(parts) = schema.get(key).and_then(Value::as_array) {
                let kinds: Vec<Kind> = parts.iter().map(|part| self.kind(part)).collect();
                let object = kinds.iter().find_map(|kind| kind.object.clone());
                let texts: Vec<&str> = kinds.iter().map(|kind| kind.text.as_str()).collect();
                return Kind { text: texts.join(" or "), object };
            }
        }
        if let Some(words) = schema.get("enum") {
            return plain(&one_of(words));
        }
        let names: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return plain("anything"),
        };
        if names.contains(&"array") {
            let inner = schema.get("items").map_or_else(|| plain("anything"), |items| self.kind(items));
            return Kind { text: format!("list of {}", inner.text), object: inner.object };
        }
        let format = text(schema, "format");
        let mut words = names.join(" or ");
        if !format.is_empty() {
            words = format!("{words} ({format})");
        }
        plain(&words)
    }

    /// Follows one `$ref` into the document.
    fn resolve<'v>(&'v self, schema: &'v Value) -> &'v Value {
        let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(schema)
    }

    fn curl(&self, method: &str, url: &str, body: Option<&Value>) -> String {
        let verb = if method == "get" { String::new() } else { format!(" -X {}", method.to_uppercase()) };
        let head = format!("curl{verb} '{url}' \\\n  -H \"Authorization: Bearer $TOKEN\"");
        let Some(schema) = body else { return head };
        // An apostrophe would end the shell's quotation.
        let example = self.example(schema, 0).to_string().replace('\'', "’");
        format!("{head} \\\n  -H 'Content-Type: application/json' \\\n  -d '{example}'")
    }

    /// A value that fits the schema: its own example or default, else required fields only.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        if let Some(given) =
            schema.get("example").or_else(|| schema.get("default")).or_else(|| schema.pointer("/enum/0"))
        {
            return given.clone();
        }
        if let Some(part) = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key)?.as_array()?.last()) {
            return if depth > 4 { Value::Null } else { self.example(part, depth + 1) };
        }
        let kind = match schema.get("type") {
            Some(Value::Array(names)) => names.first().and_then(Value::as_str),
            other => other.and_then(Value::as_str),
        };
        match kind {
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("string") => json!("…"),
            _ if depth > 4 => json!({}),
            _ => {
                let fields = self.fields(schema).into_iter().filter(|field| field.is_required);
                let property = |name: &str| {
                    let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
                    let mut all = parts.map(|part| self.resolve(part)).chain([schema]);
                    all.find_map(|part| part.get("properties")?.get(name)).cloned().unwrap_or_default()
                };
                let example = |field: Field| {
                    let value = self.example(&property(&field.name), depth + 1);
                    (field.name, value)
                };
                Value::Object(fields.map(example).collect::<Map<_, _>>())
            }
        }
    }
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn plain(text: &str) -> Kind {
    Kind { text: text.to_owned(), object: None }
}

fn one_of(words: &Value) -> String {
    let words: Vec<String> = words.as_array().into_iter().flatten().map(ToString::to_string).collect();
    words.join(" | ")
}

fn object_id(name: &str) -> String {
    format!("object-{}", anchor(name))
}

fn anchor(text: &str) -> String {
    let mut anchor = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            anchor.push(character.to_ascii_lowercase());
        } else if !anchor.ends_with('-') && !anchor.is_empty() {
            anchor.push('-');
        }
    }
    anchor.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({
            "info": { "version": "0.1.0" },
            "paths": { "/api/v1/services/{id}": { "patch": {
                "tags": ["Services"], "summary": "Changes a service",
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Patch" } } } },
                "responses": { "200": { "description": "", "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Service" } } } } }
            } } },
            "components": { "schemas": {
                "Patch": { "type": "object", "required": ["name", "status"], "properties": {
                    "name": { "type": "string" },
                    "note": { "type": ["string", "null"], "format": "text" },
                    "status": { "$ref": "#/components/schemas/Status" } } },
                "Service": { "allOf": [ { "$ref": "#/components/schemas/Patch" }, { "type": "object", "properties": {
                    "next": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Service" }] },
                    "all": { "type": "array", "items": { "$ref": "#/components/schemas/Service" } } } } ] },
                "Status": { "type": "string", "enum": ["operational", "major_outage"] }
            } }
        })
    }

    #[test]
    fn an_operation_is_read_from_the_document() {
        let page = ApiPage::new(Site::default(), false, "https://status.example.com", &document());
        let operation = &page.tags[0].operations[0];
        assert_eq!((operation.method.as_str(), operation.id.as_str()), ("PATCH", "patch-api-v1-services-id"));
        let body: Vec<_> = operation
            .body
            .iter()
            .map(|field| (field.name.as_str(), field.kind.text.as_str(), field.is_required))
            .collect();
        assert_eq!(
            body,
            [
                ("name", "string", true),
                ("note", "string or null (text)", false),
                ("status", "\"operational\" | \"major_outage\"", true)
            ]
        );
        assert_eq!(
            operation.curl,
            "curl -X PATCH 'https://status.example.com/api/v1/services/{id}' \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H 'Content-Type: application/json' \\\n  -d '{\"name\":\"…\",\"status\":\"operational\"}'"
        );
        let answer = operation.answers[0].kind.as_ref().unwrap();
        assert_eq!((answer.text.as_str(), answer.object.as_deref()), ("Service", Some("object-service")));
    }

    #[test]
    fn parts_lists_and_objects_that_hold_themselves_are_followed() {
        let page = ApiPage::new(Site::default(), false, "", &document());
        let service = page.objects.iter().find(|object| object.name == "Service").unwrap();
        let kinds: Vec<_> =
            service.fields.iter().map(|field| (field.name.as_str(), field.kind.text.as_str())).collect();
        assert!(kinds.contains(&("all", "list of Service")), "{kinds:?}");
        assert!(kinds.contains(&("next", "null or Service")), "{kinds:?}");
        assert!(kinds.contains(&("name", "string")), "{kinds:?}");
    }

    /// S62: nothing that the API can do is missing from its reference, and every link on it leads somewhere.
    #[test]
    fn every_operation_of_the_real_api_stands_on_the_page() {
        let (_, document) = crate::api::v1::router().split_for_parts();
        let document = serde_json::to_value(document).unwrap();
        let page = ApiPage::new(Site::default(), false, "", &document).render().unwrap();
        let operations = object(document.get("paths")).flat_map(|(path, item)| {
            METHODS.iter().filter(|method| item.get(method).is_some()).map(move |method| (method, path))
        });
        let mut count = 0;
        for (method, path) in operations {
            assert!(
                page.contains(&format!("id=\"{}\"", anchor(&format!("{method}-{path}")))),
                "{method} {path}"
            );
            count += 1;
        }
        assert!(count > 10, "{count}");
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"{target}\"")), "#{target} is not there");
        }
        assert!(!page.contains("anything"), "a type of the document cannot be read");
    }

    #[test]
    fn what_is_no_document_gives_an_empty_page() {
        for document in [json!(null), json!([]), json!({ "paths": { "/x": { "get": { "responses": 1 } } } })]
        {
            ApiPage::new(Site::default(), false, "", &document).render().unwrap();
        }
    }
}
