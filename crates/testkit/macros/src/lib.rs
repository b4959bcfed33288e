//! One attribute macro for database tests: one function in, one test per database out.

use proc_macro::TokenStream;
use quote::quote;
use syn::{FnArg, ItemFn, LitStr, ReturnType, parse_macro_input};

/// Keeps `async fn name(argument)` and adds a module `name` with the tests `sqlite` and `postgres`, each on a
/// fresh, migrated database of its own. The argument is any `testkit::FromTestDatabase`.
///
/// `#[db_test(flavor = "multi_thread")]` runs the body on two worker threads, for tests of races.
#[proc_macro_attribute]
pub fn db_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut flavor = quote!(CurrentThread);
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("flavor") {
            return Err(meta.error("expected `flavor = \"multi_thread\"`"));
        }
        let value: LitStr = meta.value()?.parse()?;
        flavor = match value.value().as_str() {
            "current_thread" => quote!(CurrentThread),
            "multi_thread" => quote!(MultiThread),
            _ => return Err(syn::Error::new(value.span(), "expected `current_thread` or `multi_thread`")),
        };
        Ok(())
    });
    parse_macro_input!(arguments with parser);
    let function = parse_macro_input!(item as ItemFn);
    expand(&flavor, &function).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(flavor: &proc_macro2::TokenStream, function: &ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(syn::Error::new_spanned(signature, "a database test is an `async fn`"));
    }
    if signature.inputs.len() != 1 || signature.inputs.iter().any(|input| matches!(input, FnArg::Receiver(_)))
    {
        return Err(syn::Error::new_spanned(signature, "a database test takes one argument, by value"));
    }
    if !matches!(signature.output, ReturnType::Default) {
        return Err(syn::Error::new_spanned(
            &signature.output,
            "a database test returns nothing: unwrap instead",
        ));
    }
    let (markers, attributes): (Vec<_>, Vec<_>) =
        function.attrs.iter().partition(|attribute| is_for_the_tests(attribute));
    let (name, visibility, block) = (&signature.ident, &function.vis, &function.block);
    let test = |kind: proc_macro2::TokenStream, test_name: proc_macro2::TokenStream| {
        quote! {
            #[test]
            #(#markers)*
            fn #test_name() {
                ::testkit::run(::testkit::Kind::#kind, ::testkit::Flavor::#flavor, super::#name);
            }
        }
    };
    let sqlite = test(quote!(Sqlite), quote!(sqlite));
    let postgres = test(quote!(Postgres), quote!(postgres));
    Ok(quote! {
        #(#attributes)*
        #visibility #signature #block

        mod #name {
            #sqlite
            #postgres
        }
    })
}

/// Attributes that mean something on a test only; all others stay on the function.
fn is_for_the_tests(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("ignore") || attribute.path().is_ident("should_panic")
}
