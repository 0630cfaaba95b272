//! Chat templates: a conversation written out as the prompt that a model was trained on.

use std::collections::BTreeMap;

use minijinja::{
    Environment, Error as JinjaError, ErrorKind, UndefinedBehavior, syntax::SyntaxConfig,
    value::Serde,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{error::Error, folder::ModelFolder};

/// A template may take this many steps; those of large models take some thousand for a long conversation.
const FUEL: u64 = 10_000_000;
const NAME: &str = "chat";
/// Tokens that templates may name.
const TOKENS: [&str; 4] = ["bos_token", "eos_token", "unk_token", "pad_token"];

/// One message of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks: `system`, `user` or `assistant`, and what else a template knows.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of any role.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }

    /// A message of the user.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new("user", content)
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new("assistant", content)
    }

    /// The instructions above the conversation.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new("system", content)
    }
}

/// A model's chat template, as transformers runs it: blocks trimmed, Python's string methods, `raise_exception`,
/// `tojson`. A template from a stranger cannot run for ever and reads nothing but the conversation.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    tokens: BTreeMap<String, String>,
}

impl ChatTemplate {
    /// The template of a folder: `chat_template.jinja`, else `chat_template` in `tokenizer_config.json`, which is a text
    /// or a list of named ones, of which `default` is taken. Nothing when there is none.
    ///
    /// # Errors
    /// [`Error::Config`] when the template cannot be parsed.
    pub fn open(folder: &ModelFolder) -> Result<Option<Self>, Error> {
        let config = folder.json("tokenizer_config.json")?;
        let source = match folder.bytes("chat_template.jinja")? {
            Some(bytes) => Some(String::from_utf8(bytes).map_err(|_| {
                Error::config(folder.root().join("chat_template.jinja"), "not UTF-8")
            })?),
            None => stated(&config),
        };
        let Some(source) = source else { return Ok(None) };
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Object(token) => Some(token.get("content")?.as_str()?.to_owned()),
            _ => None,
        };
        let tokens = TOKENS
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), config.get(name).and_then(text)?)))
            .collect();
        Self::parse(source, tokens).map(Some).map_err(|error| {
            Error::config(folder.root(), format!("chat template: {}", error.chain()))
        })
    }

    /// A template of its text; `tokens` are the values of `bos_token`, `eos_token` and so on.
    ///
    /// # Errors
    /// [`Error::Argument`] when it cannot be parsed.
    pub fn parse(source: String, tokens: BTreeMap<String, String>) -> Result<Self, Error> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        let syntax = syntax.map_err(refused)?;
        environment.set_syntax(syntax);
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |message: String| -> Result<String, JinjaError> {
                Err(JinjaError::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment.add_template_owned(NAME, source).map_err(refused)?;
        Ok(Self { environment, tokens })
    }

    /// The prompt for a conversation; with `prompts_answer` it ends where the model's answer begins. `extra` are further
    /// variables that the template knows, such as `date_string` or `tools`.
    ///
    /// # Errors
    /// [`Error::Argument`] with what the template objects to, for instance roles that do not alternate.
    pub fn render(
        &self,
        messages: &[Message],
        prompts_answer: bool,
        extra: &Map<String, Value>,
    ) -> Result<String, Error> {
        let mut context: BTreeMap<&str, minijinja::Value> = BTreeMap::new();
        for (name, value) in &self.tokens {
            context.insert(name, value.into());
        }
        for (name, value) in extra {
            context.insert(name, Serde(value).into());
        }
        context.insert("messages", Serde(messages).into());
        context.insert("add_generation_prompt", prompts_answer.into());
        let template = self.environment.get_template(NAME).map_err(refused)?;
        template.render(context).map_err(refused)
    }
}

/// The template in `tokenizer_config.json`.
fn stated(config: &Map<String, Value>) -> Option<String> {
    match config.get("chat_template")? {
        Value::String(template) => Some(template.clone()),
        Value::Array(named) => {
            let named = |name: &str| {
                let is_it =
                    |entry: &&Value| entry.get("name").and_then(Value::as_str) == Some(name);
                named.iter().find(is_it).or(None)
            };
            named("default")?.get("template")?.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

fn refused(error: JinjaError) -> Error {
    Error::Argument { what: "chat template", reason: crate::error::chain_of(&error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, messages: &[Message]) -> Result<String, Error> {
        let tokens = BTreeMap::from([("bos_token".to_owned(), "<s>".to_owned())]);
        ChatTemplate::parse(source.into(), tokens)?.render(messages, true, &Map::new())
    }

    fn talk() -> Vec<Message> {
        vec![
            Message::system("Be short. "),
            Message::user(" Hi "),
            Message::assistant("Yes?"),
            Message::user("3+4"),
        ]
    }

    /// Written in the manner of the three families most in use; the expected texts are Jinja2's (3.1.6, blocks trimmed).
    #[test]
    fn templates_of_three_families() {
        let chatml = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
        assert_eq!(
            render(chatml, &talk()[1..]).unwrap(),
            "<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\n3+4<|im_end|>\n<|im_start|>assistant\n"
        );
        let brackets = "{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim + '\n\n' %}
    {%- set rest = messages[1:] %}
{%- else %}
    {%- set system = '' %}
    {%- set rest = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in rest %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must alternate') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- '[INST] ' + (system if loop.first else '') + message['content'].strip() + ' [/INST]' }}
    {%- else %}
        {{- ' ' + message.content.strip() + '</s>' }}
    {%- endif %}
{%- endfor %}";
        assert_eq!(
            render(brackets, &talk()).unwrap(),
            "<s>[INST] Be short.\n\nHi [/INST] Yes?</s>[INST] 3+4 [/INST]"
        );
        let error = render(brackets, &[Message::user("a"), Message::user("b")]).unwrap_err();
        assert!(error.to_string().contains("roles must alternate"), "{error}");
        let headers = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start|>' + message['role'] + '<|end|>\n\n' + message['content'] | trim + '<|eot|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{{ '<|start|>assistant<|end|>\n\n' }}";
        assert_eq!(
            render(headers, &talk()[..2]).unwrap(),
            "<s><|start|>system<|end|>\n\nBe short.<|eot|><|start|>user<|end|>\n\nHi<|eot|><|start|>assistant<|end|>\n\n"
        );
    }

    #[test]
    fn hostile_templates_end_in_an_error() {
        for source in [
            "{% for a in range(99999999999) %}x{% endfor %}",
            "{{ undefined.attribute.of }}",
            "{% broken",
            "{{ messages | nonsense }}",
            "{% include '/etc/passwd' %}",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        ] {
            assert!(render(source, &talk()).is_err(), "{source}");
        }
    }

    #[test]
    fn the_default_of_several_is_taken() {
        let config = serde_json::json!({"chat_template": [
            {"name": "tool_use", "template": "tools"}, {"name": "default", "template": "plain"},
        ]});
        assert_eq!(stated(config.as_object().unwrap()).as_deref(), Some("plain"));
        assert_eq!(stated(&Map::new()), None);
    }
}
